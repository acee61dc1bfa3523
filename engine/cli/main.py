"""The command `bandbridge`: the window without a verb, one job with one.

Only the standard library and the engine's interface are imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.errors import BandbridgeError, Stopped, UsageError
from bandbridge.engine.cli.arguments import build_parser

DONE, FAILED, WRONG_USE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks.

    Args:
        argv: Words after the program's name; those it was called with if None.

    Returns:
        0 done, 1 failed, 2 wrong use.
    """
    try:
        options = build_parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why
        return int(end.code or 0)
    debug: bool = getattr(options, "debug", False)
    try:
        with warnings.catch_warnings():
            if not debug:
                warnings.simplefilter("ignore")  # other packages' remarks to programmers
            code = _do(options)
            sys.stdout.flush()  # here, where a reader that has gone can be told from a failure
            return code
    except UsageError as error:
        _tell(error, debug=debug)
        return WRONG_USE
    except (Stopped, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for the interpreter's last flush)
        return FAILED
    except Exception as error:
        _tell(error, debug=debug)
        return FAILED


def _do(options: argparse.Namespace) -> int:
    if options.version:
        return _say_version()
    if options.verb in (None, "open"):
        return _open_window(options)
    if options.json is not None:
        _check_writable(options.json)
    if options.verb == "cache":
        return _cache(options)
    if options.verb == "benchmark":
        return _benchmark(options)
    return _perform(options)


def _say_version() -> int:
    from importlib.metadata import version

    print(f"bandbridge {version('bandbridge')}")
    return DONE


def _open_window(options: argparse.Namespace) -> int:
    seen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )
    if not seen:
        raise BandbridgeError(
            "There is no display to open the window on.",
            "Neither DISPLAY nor WAYLAND_DISPLAY is set.",
            "Work with commands instead: 'bandbridge sample landscape' makes a sample project, 'bandbridge --help' "
            "names the rest.",
        )
    arguments = []
    if options.verb == "open":
        if not options.project.exists():
            raise UsageError(f"The project '{options.project}' does not exist.", "", "Check the path.")
        arguments = [str(options.project.absolute())]
    return int(importlib.import_module("bandbridge.gui.app").main(arguments))


def _perform(options: argparse.Namespace) -> int:
    from bandbridge.engine.api.control import Control
    from bandbridge.engine.api.reports import CompareReport, FolderReport, PairsReport
    from bandbridge.engine.cli.interrupts import Interrupts
    from bandbridge.engine.cli.progress import reporter
    from bandbridge.engine.cli.requests import job_of
    from bandbridge.engine.cli.result_file import result_of, write_result
    from bandbridge.engine.cli.tables import show
    from bandbridge.engine.worker.perform import perform

    job = job_of(options)
    keeps = options.verb in ("adapt", "compare", "distill", "train-source")
    with reporter() as told, Interrupts(keeps=keeps, tell=told.say) as interrupts:
        report = perform(job, told.emit, Control(interrupts.poll))
    show(report)
    if options.json is not None:
        write_result(options.json, result_of(options.verb, report))
    if isinstance(report, CompareReport) and any(run.state == "failed" for run in report.runs):
        return FAILED
    findings = report.findings if isinstance(report, FolderReport | PairsReport) else ()
    return FAILED if any(finding.severity == "error" for finding in findings) else DONE


def _cache(options: argparse.Namespace) -> int:
    from bandbridge.engine.cli.result_file import write_result
    from bandbridge.engine.imagery.reading.image_cache import ImageCache

    cache = ImageCache.of_user().folder
    freed = cache.clear() if options.clear else 0
    size = cache.size_bytes()
    if options.clear:
        print(f"{freed / 1e9:.2f} GB were freed in {cache.path}")
    else:
        print(f"{size / 1e9:.2f} GB of at most {cache.limit_bytes / 1e9:g} GB in {cache.path}")
    if options.json is not None:
        facts = {"folder": str(cache.path), "bytes": size, "most_bytes": cache.limit_bytes, "freed": freed}
        write_result(options.json, {"verb": options.verb, **facts})
    return DONE


def _benchmark(options: argparse.Namespace) -> int:
    from bandbridge.engine.api.control import Control
    from bandbridge.engine.benchmark.run import run
    from bandbridge.engine.cli.interrupts import Interrupts
    from bandbridge.engine.cli.progress import reporter
    from bandbridge.engine.cli.result_file import write_result
    from bandbridge.engine.cli.tables import show_measurements

    with reporter() as told, Interrupts(keeps=False, tell=told.say) as interrupts:
        measurements = run(options.names, told.emit, Control(interrupts.poll))
    show_measurements(measurements)
    if options.json is not None:
        write_result(options.json, {"verb": options.verb, "measurements": measurements})
    return DONE


def _check_writable(path: Path) -> None:
    """Better now than after an hour's work."""
    absolute = path.absolute()
    nearest = next(folder for folder in absolute.parents if folder.exists())
    if absolute.is_dir() or not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise UsageError(f"The result cannot be written to '{path}'.", "", "Choose another file with --json.")


def _tell(error: Exception, *, debug: bool) -> None:
    from bandbridge.engine.worker.perform import in_words

    problem = in_words(error)
    print(f"bandbridge: {problem.what}", file=sys.stderr)
    for sentence in (problem.why, problem.do):
        if sentence:
            print(f"  {sentence}", file=sys.stderr)
    if debug:
        print(problem.details, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
