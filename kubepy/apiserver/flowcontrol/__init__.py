"""API priority and fairness: who has to wait when there is more to do than can be done at once.

Every request belongs to a *flow* (a FlowSchema and, by its distinguisher, a user or namespace) and a flow to a
*priority level*, which has a share of the server's seats. A request takes a seat when it may start and gives it back
when it is answered; when its level has none left it waits in one of the level's queues, dealt to its flow by shuffle
sharding, and queues take turns in the fair way; when its queue is full, or it has waited too long, it is told to come
again: 429.

Reading order: classification.py, queues.py (with dealer.py), allocation.py (lending and borrowing), controller.py (one
FlowControl per server: follows the objects, keeps bootstrap.py's, writes status), dumps.py; filters/flow_control.py is
where requests pass.

What is not upstream's: one event loop runs one request at a time, so a seat is only held while its request awaits
something, and events of a write have reached all watchers before it is answered. A write therefore needs no seats for
afterwards (upstream's finalSeats).

Source: apiserver pkg/util/flowcontrol, KEP-1040.
"""
