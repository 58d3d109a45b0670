"""clickhouse-connect's ordinary client against the embedded engine's HTTP front."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sys
import threading

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from sql.core.data_dir import DataDir
from sql.core.unix_socket import connected
from sql.engine.server import await_ready

pytestmark = pytest.mark.process

AWKWARD = [
    "it's",
    'say "hi"',
    "a\nb\r\n\tc",
    "back\\slash",
    "{x:String}",
    "%s",
    "日本 🎌",
    "",
    "nul\0byte",
    "'; drop table t; --",
]


@pytest.fixture
def client(engine):
    made = clickhouse_connect.get_client(
        host="127.0.0.1", port=engine.port, username="footfall", password=engine.password, autogenerate_session_id=False
    )
    made.command("drop table if exists t")
    made.command("create table t (n UInt64, s String, x Nullable(Float64)) engine = MergeTree order by n")
    yield made
    made.close()


def test_query_returns_typed_rows(client):
    result = client.query("select number, toString(number), toDate('2026-01-02') from numbers(3)")
    assert [row[:2] for row in result.result_rows] == [(0, "0"), (1, "1"), (2, "2")]
    assert str(result.result_rows[0][2]) == "2026-01-02"


@pytest.mark.parametrize("text", AWKWARD)
def test_bound_parameters_arrive_as_they_are(client, text):
    assert client.query("select {text:String} as got", parameters={"text": text}).first_row == (text,)


def test_bound_arrays_and_numbers(client):
    got = client.query("select {a:Array(String)}, {n:UInt64}", parameters={"a": AWKWARD[:4], "n": 2**64 - 1}).first_row
    assert got == (AWKWARD[:4], 2**64 - 1)


@pytest.mark.parametrize("length", [10, 1_000, 50_000])
def test_long_parameters(client, length):
    numbers = list(range(length))
    got = client.query(
        "select length({a:Array(UInt64)}), {a:Array(UInt64)}[-1], {s:String}",
        parameters={"a": numbers, "s": AWKWARD[2] * 100},
    ).first_row
    assert got == (length, length - 1, AWKWARD[2] * 100)


def test_external_tables_are_refused_clearly(client):
    from clickhouse_connect.driver.external import ExternalData

    data = ExternalData(file_name="rows.csv", data=b"1", fmt="CSV", structure="n UInt8")
    with pytest.raises(DatabaseError, match="external tables are not supported"):
        client.query("select * from rows", external_data=data)


@pytest.mark.parametrize("size", [0, 1, 70_000], ids=["empty", "one", "many"])
def test_insert_and_insert_arrow(client, size):
    rows = [[i, f"s{i}", None if i % 2 else i / 2] for i in range(size)]
    if rows:
        summary = client.insert("t", rows, column_names=["n", "s", "x"])
        assert summary.written_rows == size
    table = pa.table({"n": pa.array(range(size), pa.uint64()), "s": ["z"] * size, "x": pa.array([1.5] * size)})
    client.insert_arrow("t", table)
    assert client.query("select count(), uniqExact(s) from t").first_row == (2 * size, size + (size > 0))


@pytest.mark.parametrize("compression", ["", "gzip", "lz4", "zstd"])
def test_raw_insert_with_compressed_body(client, compression):
    body = b"\n".join(b'{"n":%d,"s":"row"}' % i for i in range(50_000))
    packed = {
        "": lambda b: b,
        "gzip": gzip.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstandard.compress,
    }[compression](body)
    client.raw_insert("t", ["n", "s"], packed, fmt="JSONEachRow", compression=compression or None)
    assert client.command("select count() from t") == 50_000


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd"])
def test_compressed_answers(engine, compress):
    made = clickhouse_connect.get_client(
        host="127.0.0.1", port=engine.port, username="footfall", password=engine.password, compress=compress
    )
    assert sum(made.query("select number from numbers(100000)").result_columns[0]) == 4999950000
    made.close()


def test_query_arrow_and_stream(client):
    assert client.query_arrow("select number as n from numbers(10)").column("n").to_pylist() == list(range(10))
    with client.query_row_block_stream("select number from numbers(300000)") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1


def test_empty_result_keeps_its_columns(client):
    result = client.query("select n, s from t where n = 77")
    assert result.column_names == ("n", "s")
    assert result.row_count == 0
    with client.query_row_block_stream("select n, s from t where n = 77") as blocks:
        assert sum(map(len, blocks)) == 0


def test_commands_and_settings(client):
    assert client.command("select {n:UInt8} + 1", parameters={"n": 4}) == 5
    assert client.command("select getSetting('max_threads')", settings={"max_threads": 1}) == 1
    assert client.command("select name from system.databases where name = 'nope'") == ""


def test_settings_do_not_leak_into_the_next_request(client):
    client.command("select 1", settings={"max_result_rows": 1})
    assert client.query("select number from numbers(5)").row_count == 5


def test_database_of_the_request(client):
    client.command("create database if not exists other")
    client.command("create table if not exists other.here (n UInt8) engine = Memory")
    client.database = "other"
    assert client.command("exists table here") == 1


@pytest.mark.parametrize(
    ("statement", "code"),
    [("select * from nope", 60), ("selec 1", 62), ("select throwIf(1)", 395), ("select nope_function(1)", 46)],
)
def test_errors_are_the_clients_own_with_clickhouse_codes(client, statement, code):
    with pytest.raises(DatabaseError) as caught:
        client.query(statement)
    assert caught.value.code == code


def test_bad_insert_data_is_an_error_and_inserts_nothing(client):
    with pytest.raises(DatabaseError):
        client.raw_insert("t", ["n", "s"], b'{"n": 1, "s": "ok"}\n{"n": "no number"}', fmt="JSONEachRow")
    assert client.command("select count() from t") == 0


def test_error_after_the_first_bytes(client):
    sql = "select throwIf(number = 900000) from numbers(1000000) settings max_block_size = 1000"
    with pytest.raises(StreamFailureError), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass


def test_wrong_password_is_refused(engine):
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(host="127.0.0.1", port=engine.port, username="footfall", password="wrong")
    assert caught.value.code == 516


def test_one_query_id_at_a_time(client):
    slow = threading.Thread(
        target=lambda: client.command("select sleep(1)", transport_settings={}, settings={"query_id": "same"})
    )
    slow.start()
    try:
        while not client.command("select count() from system.processes where Settings['log_comment'] = 'same'"):
            pass
        with pytest.raises(DatabaseError) as caught:
            client.command("select 1", settings={"query_id": "same"})
        assert caught.value.code == 216
    finally:
        slow.join()


def test_parallel_queries_do_not_wait_for_each_other(client):
    slow = threading.Thread(target=lambda: client.command("select sleep(2)"))
    slow.start()
    try:
        assert client.command("select 1") == 1
        assert slow.is_alive()
    finally:
        slow.join()


def test_half_a_body_commits_nothing(engine, client):
    import socket

    token = base64.b64encode(f"footfall:{engine.password}".encode()).decode()
    with socket.create_connection(("127.0.0.1", engine.port)) as sock:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\nContent-Length: 1000\r\n\r\n"
        sock.sendall(head.encode() + b'insert into t (n, s) format JSONEachRow\n{"n": 1, "s": "half"}\n')
    while client.command("select count() from system.processes where query ilike 'insert%'"):
        pass
    assert client.command("select count() from t") == 0


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        pytest.param("alter table fragile add constraint never check n != 7", 469, id="constraint"),
        pytest.param(
            "create materialized view fragile_mv to fragile_out as select throwIf(n = 7) as n from fragile",
            395,
            id="view",
        ),
        pytest.param("alter table fragile modify setting parts_to_throw_insert = 1", 252, id="too many parts"),
    ],
)
def test_an_insert_that_fails_in_the_end_is_an_error(client, breaks, code):
    """chDB's own streaming insert says nothing of it."""
    for statement in (
        "drop view if exists fragile_mv",
        "drop table if exists fragile",
        "drop table if exists fragile_out",
    ):
        client.command(statement)
    for name in ("fragile", "fragile_out"):
        client.command(f"create table {name} (n UInt8) engine = MergeTree order by n")
    client.raw_insert("fragile", insert_block=b"1\n", fmt="TSV")
    client.command(breaks)
    with pytest.raises(DatabaseError) as refused:
        client.raw_insert("fragile", insert_block=b"7\n", fmt="TSV")
    assert refused.value.code == code


def test_clients_that_go_away_leave_no_traceback(tmp_path):
    home = DataDir(tmp_path / "data").make()
    said = tmp_path / "said"
    with said.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)], stderr=out)
    try:
        endpoint = await_ready(home, 90, lambda: child.poll() is None)
        token = base64.b64encode(f"footfall:{endpoint.password}".encode()).decode()
        auth = f"Host: x\r\nAuthorization: Basic {token}\r\n"
        long = "select%20*%20from%20numbers(3000000)%20format%20TSV"
        for request in (
            "GET /?query=select%201 HTTP/1.1\r\nHost",
            f"GET /?query={long} HTTP/1.1\r\n{auth}\r\n",
            f"GET /?query=select%20sleep(0.3)%20format%20TSV HTTP/1.1\r\n{auth}\r\n",
            f"GET /?query=select%20nonsense HTTP/1.1\r\n{auth}\r\n",
            f"POST / HTTP/1.1\r\n{auth}Content-Length: 1000\r\n\r\ninsert into t format TSV\n1",
            "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
        ):
            with connected(home.engine_socket, 10) as sock:
                sock.sendall(request.encode())
        with connected(home.engine_socket, 10) as sock:
            sock.sendall(f"GET /?query=select%20sleep(1) HTTP/1.1\r\n{auth}Connection: close\r\n\r\n".encode())
            while sock.recv(65536):
                pass
    finally:
        child.terminate()
        child.wait(30)
    assert "Traceback" not in said.read_text()
    assert "Exception occurred" not in said.read_text()
