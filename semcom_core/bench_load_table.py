"""The load test's report for a person."""

from __future__ import annotations

from semcom_core.bench_load import Phase, Report, Waiting

_SAID = 5
"""Different error messages that are printed."""


def table(report: Report) -> str:
    """All phases, one after another."""
    machine = report.machine
    lines = [f"{machine['cores']} cores, load at the end {machine['load']} (times are honest on an idle machine only)"]
    if machine.get("teacher_s"):
        lines.append(f"one visitor came {machine['teacher_s']:.0f} s before the class (not counted)")
    lines += _phase(report.alone, "a class")
    if report.beside_heavy is not None:
        lines += ["", *_phase(report.beside_heavy, "the same class beside heavy jobs")]
        for job in report.beside_heavy.heavy:
            lines.append(
                f"  {job['kind']}: {job['finished']} of {job['started']} jobs finished, {job['slices']} slices, "
                f"longest wait for one {job['longest_s']:.1f} s{_told(job['errors'])}"
            )
        lines.append(f"p95 beside heavy jobs over p95 without: {report.heavy_ratio:.2f}")
    return "\n".join(lines)


def _phase(one: Phase, title: str) -> list[str]:
    lines = ["", f"{title}: {one.students} students, {one.seconds / 60:g} minutes, a change every 3 s"]
    lines.append(f"  {'seconds to the new result':<34}{'p50':>8}{'p95':>8}{'longest':>9}{'count':>7}")
    lines.append(_row("whole mix", one.overall))
    lines.append(_row("first page (not in the mix)", one.join))
    for heading, group in (("by control", one.changes), ("by page visited", one.pages), ("by defense", one.defenses)):
        lines.append(f"  {heading}")
        lines += [_row(f"  {name}", waiting) for name, waiting in group.items()]
    if one.not_drawn:
        lines.append(f"  not drawn in this time: {', '.join(one.not_drawn)}")
    lines.append(f"  results with an error: {one.errors}; of another session: {one.foreign}; sessions lost: "
                 f"{len(one.dropped)}; computed again: {one.rechecked}, different: {len(one.wrong)}")  # fmt: skip
    lines += [f"    {count} × {message}" for message, count in list(one.messages.items())[:_SAID]]
    lines += [f"    {message}" for message in [*one.dropped, *one.wrong][:_SAID]]
    if one.memory is None:
        lines.append("  memory: not measured (another machine's server, or a system that does not tell)")
    else:
        memory, (low, high) = one.memory, one.memory.slope_interval
        lines.append(
            f"  memory: {memory.before:.0f} MB before, {memory.end:.0f} at the end, {memory.peak:.0f} at most; "
            f"{memory.per_session:.1f} a student, networks included"
        )
        lines.append(
            f"  its slope over the last three minutes: {memory.slope_mb_min:+.1f} [{low:+.1f}, {high:+.1f}] MB/min"
        )
    if one.processor_s.get("server") is not None:
        per = 1e3 * one.processor_s["server"] / max(1, one.overall.count + one.join.count)
        lines.append(f"  processor time: server {one.processor_s['server']:.0f} s ({per:.0f} ms a result), "
                     f"students {one.processor_s['students']:.0f} s")  # fmt: skip
    return lines


def _row(name: str, one: Waiting) -> str:
    return f"  {name:<34}{one.p50:>8.2f}{one.p95:>8.2f}{one.longest:>9.2f}{one.count:>7}"


def _told(errors: list[str]) -> str:
    return "" if not errors else f"; errors: {'; '.join(errors[:3])}"
