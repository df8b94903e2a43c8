"""How the page looks."""

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5d6670;--line:#d9dee3;--paper:#fff;--card:#f5f7f9;
--good:#1f7a4d;--bad:#b3261e;--float:#2f9e6e;--ours:#e8710a}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa4ae;--line:#333b43;--paper:#14181c;--card:#1d2329;
--good:#5cc98f;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:28px;line-height:1.2;margin:0 0 8px;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 4px}
.kicker{color:var(--soft);margin:0;font-size:13px}
.verdict{display:inline-block;margin:0 0 20px;padding:6px 12px;border-radius:6px;font-weight:600;
border:1.5px solid currentColor}
.good{color:var(--good)}.bad{color:var(--bad)}
.note{color:var(--soft);font-size:13px;margin:0 0 8px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 12px}
.tiles div{background:var(--card);border-radius:8px;padding:12px 14px}
.tiles dt{font-size:13px;color:var(--soft)}
.tiles dd{margin:0;font-size:25px;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.3}
.tiles p{margin:0;font-size:12px;color:var(--soft)}
section{margin-top:28px;break-inside:avoid;min-width:0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:0 32px}
.wide{overflow-x:auto}
.wide>svg{width:100%;height:auto;display:block}
table{border-collapse:collapse;font-size:13.5px;width:100%;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft);text-align:right;white-space:nowrap}
td,th{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}
table.texts td,table.texts th{text-align:left}
table.numbers td:last-child,table.numbers th:last-child{text-align:right}
td:last-child{overflow-wrap:anywhere}
.shots{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:12px;align-items:start}
.shot{width:100%;height:auto;border-radius:4px;display:block;break-inside:avoid}
.shot rect{fill:none;stroke-width:2}
.shot rect.ours{stroke-dasharray:6 4}
rect.float{stroke:var(--float)}rect.ours{stroke:var(--ours)}
circle.float{fill:var(--float)}circle.ours{fill:var(--ours)}
span.float{color:var(--float);font-weight:600}span.ours{color:var(--ours);font-weight:600}
@media print{:root{--ink:#000;--soft:#444;--line:#ccc;--paper:#fff;--card:#fff;--good:#1f7a4d;--bad:#b3261e}
body{font-size:11px}main{padding:0;max-width:none}section{margin-top:14px}
.pair{grid-template-columns:1fr 1fr;gap:0 20px}.shots{grid-template-columns:repeat(4,1fr)}
.tiles{grid-template-columns:repeat(6,1fr);gap:6px}.tiles div{border:1px solid var(--line);padding:6px 8px}
.tiles dd{font-size:17px}.tiles dt,.tiles p,.note,table{font-size:10px}td,th{padding:3px 6px 3px 0}}
"""
