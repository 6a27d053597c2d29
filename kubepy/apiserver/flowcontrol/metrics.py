"""What priority and fairness tells Prometheus. Read when somebody scrapes; requests pay for counting alone.

Not there: the histograms over every nanosecond (priority_level_seat_utilization and its like), what is deprecated
(request_concurrency_limit, request_concurrency_in_use), and what only its makers read (seat_fair_frac, R and S of
single dispatches).

Source: apiserver pkg/util/flowcontrol/metrics/metrics.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from kubepy.apiserver.flowcontrol import allocation
from kubepy.apiserver.flowcontrol.classification import Figures
from kubepy.observability.metrics import Metrics, Samples

if TYPE_CHECKING:
    from kubepy.apiserver.flowcontrol.controller import FlowControl, Level

Read = Callable[["Level"], float]
Labelled = Iterator[tuple[tuple[str, ...], float]]

_PREFIX = "apiserver_flowcontrol"
_LABELS = ("priority_level", "flow_schema")


def export(control: FlowControl, metrics: Metrics) -> None:
    for name, help_, read in _LEVEL_GAUGES:
        metrics.observe_each(
            f"{_PREFIX}_{name}", help_, ("priority_level",), partial(_per_level, control, read)
        )
    for name, help_, attribute in _SCHEMA_GAUGES:
        metrics.observe_each(f"{_PREFIX}_{name}", help_, _LABELS, partial(_per_schema, control, attribute))
    metrics.observe_each(
        f"{_PREFIX}_dispatched_requests",
        "Number of requests executed by API Priority and Fairness subsystem",
        _LABELS, partial(_per_schema, control, "dispatched"), is_counter=True,
    )  # fmt: skip
    metrics.observe_each(
        f"{_PREFIX}_rejected_requests",
        "Number of requests rejected by API Priority and Fairness subsystem",
        (*_LABELS, "reason"), partial(_rejected, control), is_counter=True,
    )  # fmt: skip
    metrics.observe_each(
        f"{_PREFIX}_request_dispatch_no_accommodation",
        "Number of times a dispatch attempt resulted in a non accommodation due to lack of available seats",
        _LABELS, partial(_unaccommodated, control), is_counter=True,
    )  # fmt: skip
    for name, help_, labels, pick in _HISTOGRAMS:
        read_samples = partial(_samples, control, pick)
        metrics.observe_samples(f"{_PREFIX}_{name}", help_, (*_LABELS, *labels), read_samples)


def _per_level(control: FlowControl, read: Read) -> Labelled:
    for level in list(control.levels.values()):
        yield (level.name,), float(read(level))


def _per_schema(control: FlowControl, attribute: str) -> Labelled:
    for schema in control.schemas:
        yield (schema.level, schema.name), getattr(schema, attribute)


def _rejected(control: FlowControl) -> Labelled:
    for schema in control.schemas:
        for reason, count in list(schema.rejected.items()):
            yield (schema.level, schema.name, reason), count


def _unaccommodated(control: FlowControl) -> Labelled:
    for schema in control.schemas:
        yield (schema.level, schema.name), schema.figures.unaccommodated


Pick = Callable[[Figures], Sequence[tuple[tuple[str, ...], Samples]]]


def _samples(control: FlowControl, pick: Pick) -> Iterator[tuple[tuple[str, ...], Samples]]:
    for schema in control.schemas:
        for values, samples in pick(schema.figures):
            yield (schema.level, schema.name, *values), samples


_LEVEL_GAUGES: tuple[tuple[str, str, Read], ...] = (
    (
        "nominal_limit_seats",
        "Nominal number of execution seats configured for each priority level",
        lambda level: level.limits.nominal,
    ),
    (
        "lower_limit_seats",
        "Configured lower bound on number of execution seats available to each priority level",
        lambda level: level.limits.min,
    ),
    (
        "upper_limit_seats",
        "Configured upper bound on number of execution seats available to each priority level",
        lambda level: level.limits.max,
    ),
    (
        "current_limit_seats",
        "current derived number of execution seats available to each priority level",
        lambda level: level.current,
    ),
    (
        "demand_seats_high_watermark",
        "High watermark, over last adjustment period, of demand_seats",
        lambda level: level.queues.demand.watermark,
    ),
    (
        "demand_seats_average",
        "Time-weighted average, over last adjustment period, of demand_seats",
        lambda level: level.queues.demand.average,
    ),
    (
        "demand_seats_stdev",
        "Time-weighted standard deviation, over last adjustment period, of demand_seats",
        lambda level: level.queues.demand.deviation,
    ),
    ("demand_seats_smoothed", "Smoothed seat demands", lambda level: level.queues.demand.smoothed),
    ("target_seats", "Seat allocation targets", lambda level: allocation.target(level.standing)),
    ("current_r", "R(time of last change)", lambda level: level.queues.virtual_time),
)
_SCHEMA_GAUGES = (
    (
        "current_inqueue_requests",
        "Number of requests currently pending in queues of the API Priority and Fairness subsystem",
        "waiting",
    ),
    (
        "current_inqueue_seats",
        "Number of seats currently pending in queues of the API Priority and Fairness subsystem",
        "waiting_seats",
    ),
    (
        "current_executing_requests",
        "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and "
        "Fairness subsystem",
        "executing",
    ),
    (
        "current_executing_seats",
        "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage "
        "otherwise) requests in the API Priority and Fairness subsystem",
        "executing_seats",
    ),
)
_HISTOGRAMS: tuple[tuple[str, str, tuple[str, ...], Pick], ...] = (
    (
        "request_wait_duration_seconds",
        "Length of time a request spent waiting in its queue",
        ("execute",),
        lambda figures: ((("true",), figures.waits), (("false",), figures.refusals)),
    ),
    (
        "request_execution_seconds",
        "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API "
        "Priority and Fairness subsystem",
        ("type",),
        lambda figures: ((("regular",), figures.executions), (("watch",), figures.watches)),
    ),
    (
        "work_estimated_seats",
        "Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and "
        "Fairness",
        (),
        lambda figures: (((), figures.seats),),
    ),
    (
        "request_queue_length_after_enqueue",
        "Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued",
        (),
        lambda figures: (((), figures.queue_lengths),),
    ),
)
