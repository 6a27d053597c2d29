"""What every implementation of a contract must pass: a class of tests that asks for a fixture.

class TestMyStore(StoreContract):
    @pytest.fixture
    async def store(self): ...
"""
