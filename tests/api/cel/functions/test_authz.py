from kubepy.api.cel import Environment
from kubepy.api.cel.functions.authz import Authorizer, Decision, Question


def ask(text: str) -> tuple[object, list[Question]]:
    asked: list[Question] = []

    def decide(question: Question) -> Decision:
        asked.append(question)
        return Decision(allowed=question.verb == "get", reason="because")

    program = Environment({"authorizer": Authorizer.cel_type}).compile(text, expected=None)
    return program.evaluate({"authorizer": Authorizer(decide)}), asked


def test_resource_question() -> None:
    answer, asked = ask(
        "authorizer.group('apps').resource('deployments').subresource('scale').namespace('n').name('x')"
        ".fieldSelector('a=b').labelSelector('c').check('get').allowed()"
    )
    assert answer is True
    assert asked == [
        Question(
            verb="get",
            group="apps",
            resource="deployments",
            subresource="scale",
            namespace="n",
            name="x",
            field_selector="a=b",
            label_selector="c",
        )
    ]


def test_path_question_of_a_service_account() -> None:
    answer, asked = ask("authorizer.serviceAccount('ns', 'sa').path('/healthz').check('put').reason()")
    assert answer == "because"
    assert asked == [Question(verb="put", path="/healthz", service_account=("ns", "sa"))]


def test_two_checks_are_within_one_call_and_three_are_not() -> None:
    check = "authorizer.path('/a').check('get').allowed()"
    program = Environment({"authorizer": Authorizer.cel_type}).compile(f"{check} && {check} && {check}")
    outcome = program.run({"authorizer": Authorizer(lambda question: Decision(allowed=True))})
    assert str(outcome.error) == "operation cancelled: actual cost limit exceeded"
