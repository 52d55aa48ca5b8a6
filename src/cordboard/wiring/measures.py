"""What a process counts, brought together when somebody asks for it."""

from __future__ import annotations

import resource
from collections.abc import Callable

from cordboard.engine.clock import Lateness
from cordboard.engine.dispatch import Dispatch
from cordboard.observe import Metrics
from cordboard.storage.call_store import SqlCallStore


def measures(dispatch: Dispatch, store: SqlCallStore, lateness: Lateness) -> Callable[[], str]:
    """Return what renders the metrics of now."""
    metrics = Metrics()
    running = metrics.gauge("cordboard_calls_running", "Calls that run in this process.")
    draining = metrics.gauge("cordboard_draining", "1 while new calls are refused for good.")
    ready = metrics.gauge("cordboard_ready", "1 while calls are taken.")
    writable = metrics.gauge("cordboard_database_writable", "1 if the last write worked.")
    refused = metrics.gauge("cordboard_facts_refused", "Facts of calls that could not be kept.")
    frames = metrics.gauge("cordboard_media_frames", "Frames of sound since the start.")
    late = metrics.gauge("cordboard_media_frames_late", "Those later than 20 ms.")
    worst = metrics.gauge("cordboard_media_late_worst_ms", "The latest frame, in milliseconds.")
    memory = metrics.gauge("cordboard_memory_peak_bytes", "The most memory that was resident.")

    def render() -> str:
        running.set(dispatch.running_count)
        draining.set(int(dispatch.draining))
        ready.set(int(dispatch.ready and not dispatch.draining))
        writable.set(int(store.is_writable))
        refused.set(store.refused_count)
        frames.set(lateness.frames)
        late.set(lateness.late_frames)
        worst.set(lateness.worst_ms)
        memory.set(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return metrics.render()

    return render
