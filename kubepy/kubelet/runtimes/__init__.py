"""Container runtimes. fake.py runs nothing and says what running would have shown."""
