"""Command line: ``python -m semcom_core train | evaluate | tables | bench | pull | publish | withhold``."""

from __future__ import annotations

import argparse
import errno
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m semcom_core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for add in (_train, _evaluate, _tables, _bench, _pull, _publish, _withhold):
        add(commands)
    arguments = parser.parse_args()
    from semcom_core.datasets import DataUnavailable
    from semcom_core.manifest import WeightsError

    try:
        arguments.run(arguments)
    except (WeightsError, DataUnavailable, ValueError) as error:
        parser.exit(1, f"{error}\n")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        parser.exit(1, "The disk is full. Free some space and run the command again; finished work is kept.\n")


def _train(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("train", help="train a recipe (digits/base), a file, or a whole domain (digits)")
    command.add_argument("recipe", help="digits/base, my-link.toml (as the page Tuning writes it), or digits")
    command.add_argument("--device", default="cpu")
    command.add_argument("--threads", type=int)
    command.add_argument(
        "--processes", type=int, default=1, help="share each batch; or start it by `accelerate launch`"
    )

    def run(arguments: argparse.Namespace) -> None:
        import torch

        from semcom_core.training.run import train

        # Adam's moments of saturated units decay into denormal numbers, a hundredfold slower to compute
        # with (IBAL: seven times slower in all). It holds for the process, which is training's own.
        torch.set_flush_denormal(True)
        train(arguments.recipe, arguments.device, arguments.threads, arguments.processes)

    command.set_defaults(run=run)


def _evaluate(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("evaluate", help="measure a domain on its reporting split; writes results.json")
    command.add_argument("domain")
    command.add_argument("--threads", type=int)
    command.add_argument("--limit", type=int, help="first pictures only, to try it out")
    command.add_argument(
        "--part",
        choices=("receiver", "attacks", "ciphers", "keys", "diffsem", "certificates", "grid", "adversarial"),
        help="one part only; all but grid and adversarial, which take hours, if omitted",
    )
    grid = command.add_argument_group("grid", "defenses x attacks x channels x SNR; an interrupted run goes on")
    grid.add_argument("--cells", default="", help="only these defenses, for instance none,ibal; others keep their rows")
    grid.add_argument("--receiver-images", type=int, default=2000, help="pictures a receiver cell")
    grid.add_argument("--white-box", action="store_true", help="also the white-box attack: minutes a picture")
    grid.add_argument("--processes", type=int, default=1, help="share the cells; or start it by `accelerate launch`")
    adversarial = command.add_argument_group("adversarial", "attacks x training methods; --cells names methods")
    adversarial.add_argument("--images", type=int, default=200, help="pictures of a PGD cell at 7 and 23 dB")

    def run(arguments: argparse.Namespace) -> None:
        if arguments.part == "adversarial":
            _run_adversarial(arguments)
            return
        if arguments.part == "grid":
            _run_grid(arguments)
            return
        from semcom_core.evaluation.report import evaluate

        evaluate(arguments.domain, arguments.threads, arguments.limit, arguments.part)

    command.set_defaults(run=run)


def _run_grid(arguments: argparse.Namespace) -> None:
    from semcom_core.evaluation import grid_run

    names = ("domain", "limit", "receiver_images", "white_box", "processes", "threads")
    cells = tuple(filter(None, arguments.cells.split(",")))
    grid_run.run(grid_run.Options(cells=cells, **{name: getattr(arguments, name) for name in names}))


def _run_adversarial(arguments: argparse.Namespace) -> None:
    from semcom_core.evaluation import adversarial_run

    methods = tuple(filter(None, arguments.cells.split(",")))
    adversarial_run.run(adversarial_run.Options(arguments.domain, arguments.images, methods, arguments.threads))


def _tables(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("tables", help="print the README's tables from results.json")
    command.add_argument("--write", action="store_true", help="put them into README.md")

    def run(arguments: argparse.Namespace) -> None:
        from semcom_core.evaluation import tables

        if arguments.write:
            tables.write(Path(__file__).parents[1] / "README.md")
        else:
            print(tables.markdown())

    command.set_defaults(run=run)


def _bench(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("bench", help="time one picture through the link, and the start of the app")
    command.add_argument(
        "domains",
        nargs="*",
        help="all, if none is named; or workbench: train a small link; load: a class of students; uploads; faults",
    )
    command.add_argument("--runs", type=int, default=50, help="timed runs of each kind, after three to warm up")
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--browser", action="store_true", help="also time the first result in Chromium")
    command.add_argument("--no-start", action="store_true", help="leave out starting the app")
    command.add_argument("--json", type=Path, help="also write the figures to this file")
    load = command.add_argument_group("load", "simulated students over real sessions; many minutes make it a soak")
    load.add_argument("--students", type=int, default=30)
    load.add_argument("--minutes", type=float, default=5.0)
    load.add_argument("--url", help="of a running app; one is started if omitted")
    load.add_argument("--cold", action="store_true", help="no teacher opens the app a minute before the class")
    load.add_argument("--heavy", action="store_true", help="once more, beside a white-box search and a training")
    uploads = command.add_argument_group("uploads", "mutated pictures through the reader of uploads")
    uploads.add_argument("--count", type=int, default=10_000)
    command.add_argument("--seed", type=int, default=0, help="of load and uploads")
    command.set_defaults(run=_run_bench)


def _run_bench(arguments: argparse.Namespace) -> None:
    if arguments.domains == ["workbench"]:
        from semcom_core.workbench import bench as workbench_bench

        workbench_bench.main(arguments.json)
    elif arguments.domains == ["load"]:
        from semcom_core import bench_load

        bench_load.main(
            arguments.students,
            arguments.minutes,
            arguments.url,
            arguments.heavy,
            arguments.seed,
            arguments.json,
            teacher=not arguments.cold,
        )
    elif arguments.domains == ["uploads"]:
        from semcom_core import bench_uploads

        bench_uploads.main(arguments.count, arguments.seed, arguments.json)
    elif arguments.domains == ["faults"]:
        from semcom_core import bench_faults

        bench_faults.main(arguments.json)
    else:
        from semcom_core import bench

        start = not arguments.no_start
        bench.main(arguments.domains, arguments.runs, arguments.threads, arguments.browser, start, arguments.json)


def _pull(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("pull", help="fetch the weights from the Hub (SEMCOM_HUB_REPO, SEMCOM_HUB_REVISION)")
    command.add_argument("--force", action="store_true", help="download again what is already here")

    def run(arguments: argparse.Namespace) -> None:
        from semcom_core import hub

        print(f"{len(hub.pull(arguments.force))} files placed; all others were already right.")

    command.set_defaults(run=run)


def _publish(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("publish", help="upload the weights and their model cards to the Hub")
    command.add_argument("repo", help="owner/name; created if there is none")
    command.add_argument("--private", action="store_true", help="make a new repository private")

    def run(arguments: argparse.Namespace) -> None:
        from semcom_core import hub

        hub.publish(arguments.repo, arguments.private)

    command.set_defaults(run=run)


def _withhold(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("withhold", help="take models that only evaluations need out of weights/")
    command.add_argument("names", nargs="+", help="for instance digits/conv_noise")

    def run(arguments: argparse.Namespace) -> None:
        from semcom_core import withheld

        withheld.withhold(arguments.names)
        print(f"{len(arguments.names)} models taken out; recipes, logs and hashes stay (weights/{withheld.RECORD}).")

    command.set_defaults(run=run)


if __name__ == "__main__":
    main()
