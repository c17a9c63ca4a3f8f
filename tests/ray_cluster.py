"""A Ray cluster on this machine, for tests: a head without work and two workers of one core.

`ray_cluster.py PORT` serves Ray clients at the port, prints the address once it is up, and takes orders on stdin:
`kill` kills a worker's node, `raze` all nodes, the head last, `end` (or the end of the input) ends all.
"""

import sys
from typing import Any

STORE_BYTES = 80 << 20


def serve(client_port: int) -> None:
    """Starts the cluster and obeys."""
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "ray_client_server_port": client_port,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    workers = [cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES) for _ in range(2)]
    print(f"address {cluster.address}", flush=True)  # noqa: T201 - the answer
    for order in sys.stdin:
        if order.strip() == "end":
            break
        doomed: list[Any] = [*workers, cluster.head_node] if order.strip() == "raze" else [workers.pop()]
        for node in doomed:
            cluster.remove_node(node, allow_graceful=False)
        print("killed", flush=True)  # noqa: T201 - the answer
    cluster.shutdown()  # type: ignore[no-untyped-call,unused-ignore]


if __name__ == "__main__":
    serve(int(sys.argv[1]))
