"""Command line: ``python -m semcom_core train | …``."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m semcom_core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one recipe and publish its weights")
    train.add_argument("recipe")
    train.add_argument("--device", default="cpu")
    train.add_argument("--threads", type=int)
    evaluate = commands.add_parser("evaluate", help="measure a domain on its reporting split")
    evaluate.add_argument("domain")
    evaluate.add_argument("--threads", type=int)
    evaluate.add_argument("--limit", type=int, help="first pictures only, to try it out")
    pull = commands.add_parser("pull", help="fetch the weights from the Hub (SEMCOM_HUB_REPO, SEMCOM_HUB_REVISION)")
    pull.add_argument("--force", action="store_true", help="download again what is already here")
    publish = commands.add_parser("publish", help="upload the weights and their model cards to the Hub")
    publish.add_argument("repo", help="owner/name; created if there is none")
    publish.add_argument("--private", action="store_true", help="make a new repository private")
    bench = commands.add_parser("bench", help="time one picture through the link, and the start of the app")
    bench.add_argument("domains", nargs="*", help="all, if none is named")
    bench.add_argument("--runs", type=int, default=50, help="timed runs of each kind, after three to warm up")
    bench.add_argument("--threads", type=int, default=2)
    bench.add_argument("--browser", action="store_true", help="also time the first result in Chromium")
    bench.add_argument("--no-start", action="store_true", help="leave out starting the app")
    bench.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.command == "train":
        from semcom_core.training.run import train as run

        run(arguments.recipe, arguments.device, arguments.threads)
    elif arguments.command == "evaluate":
        from semcom_core.evaluation.report import evaluate as run_evaluation

        run_evaluation(arguments.domain, arguments.threads, arguments.limit)
    elif arguments.command == "bench":
        from semcom_core.bench import main as run_bench

        try:
            run_bench(
                arguments.domains, arguments.runs, arguments.threads,
                arguments.browser, not arguments.no_start, arguments.json,
            )  # fmt: skip
        except (RuntimeError, ValueError) as error:  # missing weights are RuntimeErrors, too
            parser.exit(1, f"{error}\n")
    elif arguments.command in ("pull", "publish"):
        from semcom_core import hub

        try:
            if arguments.command == "pull":
                print(f"{len(hub.pull(arguments.force))} files placed; all others were already right.")
            else:
                hub.publish(arguments.repo, arguments.private)
        except hub.WeightsError as error:
            parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
