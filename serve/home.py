"""The page at `/`: what is there and where to go on. Plain HTML, no script, no build."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from serve.models import when
from sfc.catalog.version import Version
from sfc.engine.records import ExecutionRecord

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2f6f5e }
@media (prefers-color-scheme: dark) { :root { --accent: #7cc4ad } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2.5rem }
p.sub { margin-top: .2rem; opacity: .7 } a { color: var(--accent) }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600; opacity: .7 }
td, th { padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line) }
.tiles { display: flex; gap: .8rem; flex-wrap: wrap; margin-top: 1.5rem }
.tile { background: var(--soft); border-radius: .5rem; padding: .6rem 1rem; min-width: 6rem }
.tile b { display: block; font-size: 1.4rem } .tile span { font-size: .8rem; opacity: .7 }
.FAILED, .TIMED_OUT { color: #c0392b } .SUCCEEDED { color: var(--accent) }
"""


def render_home(blueprints: Sequence[Version], executions: Sequence[ExecutionRecord], counts: Mapping[str, int]) -> str:
    """The whole page."""
    tiles = "".join(
        f'<div class="tile"><b>{counts.get(status, 0)}</b><span>{status.lower().replace("_", " ")}</span></div>'
        for status in ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>service-flow-conductor</title><style>{_STYLE}</style>"
        "<h1>service-flow-conductor</h1><p class=sub>Durable flows in Amazon States Language. "
        '<a href="/docs">REST API</a> · <a href="/api/blueprints">blueprints</a> · '
        '<a href="/api/executions">executions</a> · <a href="/api/stats">figures</a> · <a href="/health">health</a></p>'
        f"<div class=tiles>{tiles}</div>"
        f"<h2>Blueprints</h2>{_blueprints(blueprints)}<h2>Latest executions</h2>{_executions(executions)}</html>"
    )


def _blueprints(blueprints: Sequence[Version]) -> str:
    if not blueprints:
        return "<p>None yet. <code>sfc blueprints put FILE.asl.json</code> makes one.</p>"
    rows = "".join(
        f'<tr><td><a href="/api/blueprints/{quote(b.name)}">{escape(b.name)}</a><td>{b.kind.lower()}'
        f"<td>{b.number}<td>{when(b.updated_at):%Y-%m-%d %H:%M:%S}"
        for b in blueprints
    )
    return f"<table><tr><th>Name<th>Kind<th>Version<th>Changed (UTC){rows}</table>"


def _executions(executions: Sequence[ExecutionRecord]) -> str:
    if not executions:
        return "<p>None yet. <code>sfc start BLUEPRINT --input '{}'</code> starts one.</p>"
    rows = "".join(
        f'<tr><td><a href="/api/executions/{quote(e.arn)}">{escape(e.name)}</a><td>{escape(e.machine)}'
        f"<td class={e.status}>{e.status.lower().replace('_', ' ')}<td>{when(e.started_at):%Y-%m-%d %H:%M:%S}"
        for e in executions
    )
    return f"<table><tr><th>Name<th>Blueprint<th>Status<th>Started (UTC){rows}</table>"
