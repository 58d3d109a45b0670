"""Addresses and e-mails planted in a whole run are found nowhere afterwards: spool, database, logs, quarantine."""

from __future__ import annotations

import http.client
import json

from collector.spool.segment_files import set_aside
from collector.spool.spool import Spool
from sql.client import opened

ADDRESSES = ["198.51.100.23", "2001:db8:77::99"]
MAILS = ["jane.doe+x@corp.example", "jane.doe%2Bx%40corp.example", "JANE@corp.example"]
CARD = "4111 1111 1111 1111"
FORMS = [*ADDRESSES, "jane", "JANE", "4111", "corp.example"]


def planted(mail):
    """An event with personal data in every field that a page fills without thinking."""
    user = mail.replace("%40", "@")
    return {
        "name": "page_view",
        "url": f"https://{user}:pw@shop.example/u/{mail}?email={mail}&utm_source={mail}&ref=x#{mail}",
        "referrer": f"https://mail.example/{mail}?from={mail}",
        "title": f"Inbox of {mail} {CARD}",
        "user_id": user,
        "session_id": f"s-{mail}",
        "props": {"mail": mail, "card": CARD.replace(" ", "-"), "note": f"call {mail}!"},
    }


def ask(footfall, method, path, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_nothing_planted_is_kept(footfall, until):
    footfall.stop()
    config = footfall.folder / "footfall.toml"
    config.write_text(config.read_text() + 'trusted_proxies = ["127.0.0.1"]\n')
    footfall.start()
    statuses = []
    for address in ADDRESSES:
        for mail in MAILS:
            headers = {
                "Content-Type": "application/json",
                "X-Footfall-Key": footfall.key,
                "X-Forwarded-For": address,
                "User-Agent": "Mozilla/5.0 Firefox/140.0",
            }
            bodies = [
                json.dumps(planted(mail)),
                json.dumps({"events": [planted(mail), planted(mail) | {"name": ""}, {"url": mail}]}),
                f'{{"name": "{mail}',
            ]
            statuses += [ask(footfall, "POST", "/v1/events", body, headers) for body in bodies]
            pixel = f"/v1/pixel.gif?key={footfall.key}&url=https://shop.example/%3Fmail={mail}&title={mail}"
            statuses.append(ask(footfall, "GET", pixel, None, headers | {"Referer": f"https://x.example/{mail}"}))
    assert set(statuses) == {200, 202, 400}
    waiting = b"".join(path.read_bytes() for path in (footfall.home.spool).rglob("*.seg"))
    assert not [form for form in FORMS if form.encode() in waiting]
    # A loader that cannot read an event sets its line aside: as it was spooled.
    spool = Spool(footfall.home.spool)
    set_aside(spool, "probe", ".bin", waiting, "a copy of what waited")
    until(footfall.drained, 60, "everything is loaded")
    with opened(footfall.url, direct=False) as client:
        tables = [
            row[0]
            for row in client.query(
                "select name from system.tables where database = currentDatabase() and engine like '%MergeTree'"
            ).result_rows
        ]
        everything = "select * from {} format JSONEachRow"
        texts = {name: client.raw_query(everything.format(name)).decode("utf-8", "replace") for name in tables}
    assert texts["events"].count("page_view") >= 2 * len(ADDRESSES) * len(MAILS)
    footfall.stop()
    for name, text in texts.items():
        assert not [form for form in FORMS if form in text], name
    files = [path for path in footfall.folder.rglob("*") if path.is_file() and "engine" not in path.parts]
    assert any(path.name == "serve.log" for path in files)
    for path in files:
        data = path.read_bytes()
        assert not [form for form in FORMS if form.encode() in data], path
