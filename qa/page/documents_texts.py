"""The words of the view of documents, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embeddings.library import Status
from qa.page.texts import Language


@dataclass(frozen=True, slots=True)
class DocumentsTexts:
    """The view's own words in one language; pairs are for one and for many."""

    title: str
    root: str
    drop: str
    choose: str
    limits: str
    formats: str
    uploads: str
    rebuild: str
    waiting: tuple[str, str]
    current: str
    other: str
    stages: Mapping[str, str]
    rate: str
    left: str
    done: str
    unchanged: str
    changes: Mapping[str, tuple[str, str]]
    failed: str
    program_failed: str
    skipped_list: tuple[str, str]
    filter: str
    all: str
    groups: Mapping[str, str]
    columns: Mapping[str, str]
    statuses: Mapping[Status, str]
    uploaded: str
    until: str
    nothing: str
    none_match: str
    more: str
    pick: str
    picked: str
    ask_these: str
    clear: str
    view: str
    remove: str
    exclude: str
    undo: str
    include: str
    sure_remove: str
    sure_exclude: str
    removed: str
    excluded: str
    restored: str
    read_only: str
    close: str
    as_read: str
    article: str
    untitled: str
    left_out: str
    not_answered: str
    counts: tuple[str, str]
    characters: str
    amount: tuple[str, str]
    roles: Mapping[str, str]
    page: str
    gap: str
    separator: str


DOCUMENTS_TEXTS = {
    Language.ZH: DocumentsTexts(
        title="文档",
        root="文档来自文件夹“{root}”",
        drop="把文件或整个文件夹拖到这里",
        choose="选择文件",
        limits="每个文件最大 {largest}，最多 {files} 个，共 {total}",
        formats="可读：{formats}",
        uploads="上传",
        rebuild="更新索引",
        waiting=("有 {count} 处改动还没有进入索引",) * 2,
        current="索引与文档一致",
        other="另一个程序正在写这个索引（进程 {process}，{host}，自 {since} 起）",
        stages={"": "准备中", "read": "读取文件", "encode": "编码文字", "write": "写入索引"},
        rate="每秒 {rate}",
        left="还需 {left}",
        done="索引已更新，用时 {seconds} 秒：{changes}。现有 {documents} 份文档、{passages} 段",
        unchanged="没有改动，索引不变",
        changes={
            "new": ("新增 {count} 个", "新增 {count} 个"),
            "changed": ("改动 {count} 个", "改动 {count} 个"),
            "renamed": ("改名 {count} 个", "改名 {count} 个"),
            "removed": ("移出 {count} 个", "移出 {count} 个"),
        },
        failed="索引没有更新：{error}",
        program_failed="程序出错，详情见运行窗口。原来的索引照常使用。",
        skipped_list=("{count} 个文件读不了，原因见下表",) * 2,
        filter="按文件名或标题筛选",
        all="全部",
        groups={"in": "在索引中", "waits": "待更新", "skipped": "读不了", "excluded": "已移除"},
        columns={
            "file": "文件", "date": "日期", "articles": "篇", "passages": "段", "status": "状态",
        },
        statuses={
            Status.INDEXED: "在索引中",
            Status.SKIPPED: "读不了",
            Status.NEW: "待收入",
            Status.CHANGED: "已改动",
            Status.GONE: "文件不在了",
            Status.EXCLUDED: "已排除",
            Status.REMOVED: "已删除",
        },
        uploaded="上传",
        until="更新索引前仍用它作答",
        nothing="还没有文档。",
        none_match="没有符合的文件。",
        more="再显示 {count} 个",
        pick="选择 {source}",
        picked="已选 {count} 份",
        ask_these="只问这些",
        clear="取消选择",
        view="查看",
        remove="删除",
        exclude="排除",
        undo="撤销",
        include="恢复",
        sure_remove="删除上传的文件“{source}”？更新索引之前可以撤销，之后就没有了。",
        sure_exclude="把“{source}”排除在索引之外？文件本身不动，随时可以恢复。",
        removed="已删除“{source}”。更新索引之前可以撤销。",
        excluded="已排除“{source}”。更新索引后不再用它作答。",
        restored="已恢复“{source}”。",
        read_only="这个页面是只读的，不能修改文档。",
        close="关闭",
        as_read="读到的样子",
        article="第 {number} 篇",
        untitled="（无标题）",
        left_out="未收入：",
        not_answered="不收入，不用来作答",
        counts=("{count} 块",) * 2,
        characters="字符 {range}",
        amount=("{count} 个字符",) * 2,
        roles={
            "body": "正文", "headline": "标题", "caption": "图注", "quote": "引语",
            "list": "列表", "table": "表格", "byline": "署名", "boilerplate": "页面杂项",
            "page header": "页眉", "white space": "空白", "gloss": "注音",
            "invisible": "不可见字符", "markup": "标记", "unread": "未读",
        },
        page="第 {page} 页",
        gap="此处拿掉了 {count} 个字符",
        separator="，",
    ),
    Language.EN: DocumentsTexts(
        title="Documents",
        root="Documents come from the folder “{root}”",
        drop="Drop files or a whole folder here",
        choose="Choose files",
        limits="At most {largest} a file, {files} files, {total} in all",
        formats="Read are {formats}",
        uploads="Uploads",
        rebuild="Update the index",
        waiting=(
            "{count} change is not in the index yet", "{count} changes are not in the index yet",
        ),
        current="The index is up to date",
        other="Another program is writing this index (process {process} on {host}, since {since})",
        stages={
            "": "Starting", "read": "Reading files", "encode": "Encoding texts",
            "write": "Writing the index",
        },
        rate="{rate} a second",
        left="{left} left",
        done=(
            "The index was updated in {seconds} s: {changes}. It holds {documents} documents, "
            "{passages} passages"
        ),
        unchanged="Nothing had changed; the index is as it was",
        changes={
            "new": ("{count} new file", "{count} new files"),
            "changed": ("{count} changed", "{count} changed"),
            "renamed": ("{count} renamed", "{count} renamed"),
            "removed": ("{count} taken out", "{count} taken out"),
        },
        failed="The index was not updated: {error}",
        program_failed=(
            "the program failed; its window says more. The index goes on answering as it was."
        ),
        skipped_list=(
            "{count} file cannot be read; the table says why",
            "{count} files cannot be read; the table says why",
        ),
        filter="Filter by name or title",
        all="All",
        groups={
            "in": "In the index", "waits": "Waiting", "skipped": "Not readable",
            "excluded": "Taken out",
        },
        columns={
            "file": "File", "date": "Date", "articles": "Articles", "passages": "Passages",
            "status": "Status",
        },
        statuses={
            Status.INDEXED: "In the index",
            Status.SKIPPED: "Not readable",
            Status.NEW: "Waiting",
            Status.CHANGED: "Changed",
            Status.GONE: "File is gone",
            Status.EXCLUDED: "Excluded",
            Status.REMOVED: "Removed",
        },
        uploaded="Upload",
        until="Answers until the index is updated",
        nothing="There are no documents yet.",
        none_match="No file fits.",
        more="Show {count} more",
        pick="Choose {source}",
        picked="{count} chosen",
        ask_these="Ask only these",
        clear="Clear",
        view="View",
        remove="Delete",
        exclude="Exclude",
        undo="Undo",
        include="Include",
        sure_remove=(
            "Delete the uploaded file “{source}”? You can undo it until the index is updated; "
            "then it is gone."
        ),
        sure_exclude=(
            "Leave “{source}” out of the index? The file itself stays, and you can have it back."
        ),
        removed="“{source}” was deleted. You can undo it until the index is updated.",
        excluded="“{source}” is excluded. It stops answering when the index is updated.",
        restored="“{source}” is back.",
        read_only="This page is read-only; documents cannot be changed here.",
        close="Close",
        as_read="As it was read",
        article="Article {number}",
        untitled="(without a title)",
        left_out="Left out:",
        not_answered="left out, never an answer",
        counts=("{count} block", "{count} blocks"),
        characters="characters {range}",
        amount=("{count} character", "{count} characters"),
        roles={
            "body": "body", "headline": "headline", "caption": "caption", "quote": "quote",
            "list": "list", "table": "table", "byline": "byline", "boilerplate": "boilerplate",
            "page header": "page header", "white space": "white space", "gloss": "gloss",
            "invisible": "invisible", "markup": "markup", "unread": "unread",
        },
        page="page {page}",
        gap="{count} characters taken out here",
        separator=", ",
    ),
}  # fmt: skip


def counted(forms: tuple[str, str], count: int) -> str:
    """Return the form for one or for many with the number in it."""
    return forms[count != 1].format(count=f"{count:,}")


def duration(seconds: float, language: Language) -> str:
    """Return a time as a person says it, to the second."""
    minutes, rest = divmod(round(seconds), 60)
    if language is Language.ZH:
        return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def megabytes(count: int) -> str:
    """Return bytes as whole megabytes or gigabytes."""
    whole = count // 2**20
    return f"{whole // 1024:,} GB" if whole >= 1024 and whole % 1024 == 0 else f"{whole:,} MB"
