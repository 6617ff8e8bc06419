import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isoflop.errors import InputError
from isoflop.runs.convention import Convention
from isoflop.runs.guess import factor_of, guess, stated
from isoflop.runs.io import load
from isoflop.runs.table import RunTable


def write(tmp_path, text, name="runs.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_with_gaps_quotes_truth_and_text(tmp_path):
    path = write(
        tmp_path,
        '\ufeffN,D,loss,name,outlier,gap,empty\n1e6,2e7,3.5,"a, b",True,,\n2e6,4e7,NA,c,False,1,\n',
    )
    runs = load(path)
    assert runs["N"].tolist() == [1e6, 2e6]
    assert runs["name"].tolist() == ["a, b", "c"]
    assert runs["outlier"].tolist() == [1.0, 0.0]
    assert np.isnan(runs["loss"]).tolist() == [False, True]
    assert np.isnan(runs["gap"]).tolist() == [True, False]
    assert runs["empty"].tolist() == ["", ""]
    assert runs.source == str(path)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_delimiters(tmp_path, delimiter):
    text = delimiter.join(["N", "D", "loss"]) + "\n" + delimiter.join(["1", "2", "3"]) + "\n"
    assert load(write(tmp_path, text))["loss"].tolist() == [3.0]


def test_csv_reads_back_the_same_numbers(tmp_path):
    values = np.random.default_rng(0).lognormal(size=100) * 1e20
    runs = RunTable.from_columns({"N": values, "loss": np.where(values > 1e20, np.nan, values)})
    assert load(runs.to_csv(tmp_path / "x.csv")).digest == runs.digest


def test_line_ends_and_blank_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"N,name\r\n1,a\x0cb\r\n\r\n2,c\r\n")
    assert load(path)["name"].tolist() == ["a\x0cb", "c"]


def test_identities_stay_as_they_are_written(tmp_path):
    runs = load(write(tmp_path, "run_id,N\n0012,1\n12e4,2\n"))
    assert runs["id"].tolist() == ["0012", "12e4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no runs"),
        ('""\n', "no runs"),
        ("N,D\n", "no runs"),
        ("N,D\n1,2\n3\n", "row 3 .* has 1 cells and the header 2: N, D"),
        ("# my runs\nN,D\n1,2\n", "row 2 .* has 2 cells and the header 1: # my runs"),
        ("My runs,,\nN,D,loss\n1,2,3\n", "more than one column called ``: My runs, , "),
        ("1e6,2e7,3.5\n2e6,4e7,3.2\n", "begins with a row of numbers, 1e6, 2e7, 3.5"),
        ("N;loss\n1e6;2,345\n2e6;3,456\n", "`2,345`: commas may be decimal or between"),
        ("N;loss\n1e6;2,34\n2e6;3.456\n", "`2,34` and `3.456`: commas may be"),
        ("N,N\n1,2\n", "more than one column called `N`"),
        ('N,D\n1,"2\n', "not readable CSV"),
    ],
)
def test_broken_csv_says_where(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, text))


def test_decimal_commas_are_read_where_they_can_be_nothing_else(tmp_path):
    text = "N;D;loss;name\n1000000;2,5e7;3,512;a,b\n2000000;5e7;3,25;1,5 B\n"
    runs = load(write(tmp_path, text))
    assert runs["D"].tolist() == [2.5e7, 5e7]
    assert runs["loss"].tolist() == [3.512, 3.25]
    assert runs["name"].tolist() == ["a,b", "1,5 B"]
    thousands = load(write(tmp_path, "N;D;loss\n1,000,000;20,000;3.5\n2,000,000;40,000;3.2\n"))
    assert thousands["D"].tolist() == [2e4, 4e4]
    assert thousands["loss"].tolist() == [3.5, 3.2]


def test_lines_that_end_in_carriage_returns_and_lines_of_blanks(tmp_path):
    path = tmp_path / "mac.csv"
    path.write_bytes(b"N,D\r1,2\r3,4\r")
    assert load(path)["D"].tolist() == [2.0, 4.0]
    assert load(write(tmp_path, "N,D\n1,2\n   \n3,4\n"))["D"].tolist() == [2.0, 4.0]


def test_json_as_python_and_pandas_write_it(tmp_path):
    runs = load(write(tmp_path, '{"N": 1, "loss": NaN}\n{"N": 2, "loss": 3.0}\n', "x.jsonl"))
    assert np.isnan(runs["loss"]).tolist() == [True, False]
    runs = load(write(tmp_path, '{"N": [1, 2], "loss": [3.5, null]}', "x.json"))
    assert runs["N"].tolist() == [1.0, 2.0]
    assert np.isnan(runs["loss"]).tolist() == [False, True]
    with pytest.raises(InputError, match="different lengths"):
        load(write(tmp_path, '{"N": [1, 2], "loss": [3.5]}', "x.json"))


@pytest.mark.parametrize(
    "name",
    [
        *("tokens_B", "Tokens (B)", "tokens_billions", "Tokens (billions)", "tokens (in billion)"),
        *("tokens_bn", "Tokens [Bn]", "tokens in B", "billion_tokens", "Billions of tokens"),
        *("tokens (1e9)", "tokens (x1E9)", "tokens (10^9)"),
    ],
)
def test_units_that_a_name_states(tmp_path, name):
    runs = load(write(tmp_path, f"N,{name},loss\n1e9,20,3\n2e9,40,2.9\n"))
    assert runs["D"].tolist() == [2e10, 4e10]
    given = load(write(tmp_path, f"N,{name},loss\n1e9,20,3\n2e9,40,2.9\n"), columns={"D": name})
    assert given["D"].tolist() == [2e10, 4e10]


@pytest.mark.parametrize("name", ["params_b", "n_b", "million", "loss_bn", "tokens_total"])
def test_names_that_state_no_unit_or_one_alone(name):
    assert factor_of(name) == (1e9 if name == "loss_bn" else 1.0)


def test_text_among_numbers_is_shown_with_its_row(tmp_path):
    runs = load(write(tmp_path, "N,error\n1e9,\n1e9,0.5\n2e9,4e-1 or so\n"))
    with pytest.raises(InputError, match=r"`error` must be numbers and has `4e-1 or so` in row 2"):
        runs.require("error")


def test_tokens_are_not_computed_from_flops_unasked_but_the_flag_is_said(tmp_path):
    runs = load(path := write(tmp_path, "params,flops,loss\n1e9,1.2e20,3\n"))
    with pytest.raises(InputError) as error:
        runs["D"]
    name, _, formula = error.value.do.partition('--column "')[2].removesuffix('"').partition("=")
    assert load(path, columns={name: formula})["D"].tolist() == [2e10]


def test_a_table_of_many_columns_is_not_listed_whole(tmp_path):
    header = ",".join(["N", "D", *(f"metric_{i}" for i in range(100))])
    runs = load(write(tmp_path, header + "\n" + ",".join("1" * 102) + "\n"))
    with pytest.raises(InputError, match="and 78 more"):
        runs["loss"]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no file"):
        load(tmp_path / "none.csv")
    with pytest.raises(InputError, match="folder"):
        load(tmp_path)
    with pytest.raises(InputError, match=r"ends in `\.pkl`"):
        load(write(tmp_path, "", "runs.pkl"))
    (tmp_path / "bytes.csv").write_bytes(b"N,D\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        load(tmp_path / "bytes.csv")
    for data in (b"N,D", gzip.compress(b"N,D\n1,2\n" * 99)[:-20]):
        (tmp_path / "x.csv.gz").write_bytes(data)
        with pytest.raises(InputError, match="gzip"):
            load(tmp_path / "x.csv.gz")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="Parquet"):
        load(tmp_path / "x.parquet")


def test_json_lines_nested_and_ragged(tmp_path):
    rows = [{"N": 1, "loss": 3.0, "cfg": {"lr": 0.1, "betas": [1, 2]}}, {"N": 2, "tag": "x"}]
    path = write(tmp_path, "\n".join(map(json.dumps, rows)) + "\n\n", "runs.jsonl")
    runs = load(path)
    assert runs["N"].tolist() == [1.0, 2.0]
    assert np.isnan(runs["loss"][1])
    assert runs["cfg.lr"][0] == 0.1
    assert runs["tag"].tolist() == ["", "x"]
    assert "cfg.betas" not in runs
    array = write(tmp_path, json.dumps(rows), "runs.json")
    assert load(array).digest == runs.digest
    with pytest.raises(InputError, match="line 2"):
        load(write(tmp_path, '{"N": 1}\n{"N": \n', "bad.jsonl"))
    with pytest.raises(InputError, match="not an object"):
        load(write(tmp_path, "3\n", "bad.jsonl"))


def test_parquet_and_gzip_hold_the_same_table(tmp_path):
    runs = RunTable.from_columns({"N": [1.0, 2.0], "loss": [3.0, 2.5], "name": ["a", "b"]})
    pq.write_table(runs.to_arrow(), tmp_path / "x.parquet")
    text = runs.to_csv(tmp_path / "x.csv").read_bytes()
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text))
    assert load(tmp_path / "x.parquet").digest == runs.digest
    assert load(tmp_path / "x.csv.gz").digest == runs.digest
    pq.write_table(pa.table({"N": pa.array([], pa.float64())}), tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="no runs"):
        load(tmp_path / "empty.parquet")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["params_N", "tokens_D", "flops_C", "loss"], "params_N tokens_D flops_C loss"),
        (["n_params", "num_tokens", "compute", "val/loss"], "n_params num_tokens compute val/loss"),
        (["Model Size", "Tokens", "FLOPs", "Final Loss"], "Model Size|Tokens|FLOPs|Final Loss"),
        (["parameter_count", "tokens_trained", "flops", "eval_loss"], None),
        (["N", "params", "D", "tokens", "C", "loss", "val_loss"], "N D C loss"),
    ],
)
def test_common_names_are_recognised(names, expected):
    found = guess(names)
    listed = names if expected is None else expected.split("|" if "|" in expected else " ")
    assert [found[name].expression for name in ("N", "D", "C", "loss")] == listed


def test_a_guess_names_the_other_candidates_and_prefers_matrices_and_head():
    found = guess(["N_nonembed", "N_nonembed_plus_head", "N_total", "D_tokens", "flops"])
    assert found["N"].expression == "N_nonembed_plus_head"
    assert set(found["N"].others) == {"N_nonembed", "N_total"}
    assert "also there" in str(found["N"])
    assert "loss" not in found
    assert guess(["loss_a", "loss_b", "C4"]) == {}


def test_units_in_a_columns_name(tmp_path):
    path = write(tmp_path, "Model Size (B),Data Size (T),FLOPs (1E21)\n7.0,2.0,84.0\n")
    runs = load(path)
    assert (runs["N"][0], runs["D"][0], runs["C"][0]) == (7e9, 2e12, 8.4e22)
    assert str(runs.origin["N"]) == "1e+09 x Model Size (B)"


def test_conventions_come_from_names_that_state_them():
    assert stated("N", "N_nonembed_plus_head") == "matrices+head"
    assert stated("N", "N_total") == "all"
    assert stated("N", "params_non_embedding") is None
    assert stated("N", "subtotal") is None
    assert stated("loss", "val_bpb") == "bits/byte"
    assert stated("loss", "val_loss_nats_per_token") == "nats/token"
    assert stated("loss", "loss") is None


def test_given_columns_win_and_displace(tmp_path):
    path = write(tmp_path, "N,params_M,D,loss,loss_c4\n1,70,2e9,3.0,3.3\n")
    runs = load(path, columns={"N": "params_M * 1e6", "loss": "loss_c4"})
    assert runs["N"][0] == 70e6
    assert runs["loss"][0] == 3.3
    assert runs["loss_in_file"][0] == 3.0
    assert runs.origin["loss"].given
    assert not runs.origin["D"].given
    with pytest.raises(InputError) as error:
        load(path, columns={"N": "prams"})
    assert "N, params_M, D, loss, loss_c4" in error.value.what
    assert error.value.do.endswith("--column N=N")


def test_computed_columns_use_the_files_names_and_the_standard_ones(tmp_path):
    path = write(tmp_path, "params,tokens,N,loss\n2e6,4e7,3,3.0\n")
    runs = load(path, columns={"N": "params", "C": "6*params*D"})
    assert runs["C"][0] == 6 * 2e6 * 4e7
    assert runs.convention.C == "unstated"
    assert load(path, columns={"C": "6 * N * D"})["C"][0] == 6 * 3 * 4e7
    assert load(path, columns={"C": "6 * N * D"}).convention.C == "6ND"
    assert load(path, columns={"N": "N * 1e6"})["N"][0] == 3e6
    with pytest.raises(InputError, match="no column `Q`"):
        load(path, columns={"C": "6*Q*D"})


def test_quantities_as_people_write_them(tmp_path):
    path = write(tmp_path, 'model_size,tokens,loss\n70B,1.4T,1.9\n"1,000,000",20M,4\nNA,,3\n')
    runs = load(path)
    assert runs["N"][:2].tolist() == [70e9, 1e6]
    assert runs["D"][:2].tolist() == [1.4e12, 20e6]
    assert np.isnan([runs["N"][2], runs["D"][2]]).all()
    with pytest.raises(InputError, match=r"row 1 \(counted from 0\) of column `tokens`"):
        load(write(tmp_path, "N,tokens,loss\n1,2B,2\n1,many,2\n"))


def test_where_and_convention(tmp_path):
    path = write(tmp_path, "params_N,tokens_D,loss,kind\n1e6,1,3,a\n2e6,1,2,b\n")
    runs = load(path, where="params_N > 1M and kind == 'b'", convention=Convention(N="all"))
    assert runs["N"].tolist() == [2e6]
    assert runs.convention.N == "all"
    assert load(runs, where="N > 0").digest == runs.digest
    swapped = load(runs, columns={"N": "tokens_D"})
    assert swapped["N"].tolist() == [1.0]
    assert swapped["N_in_file"].tolist() == [2e6]
    assert swapped.convention.N == "unstated"


def test_nanochat_results(tmp_path):
    header = (
        "flops_budget,depth,model_dim,params_wte,params_value_embeds,params_lm_head,"
        "params_transformer,params_scalars,params_total,num_iterations,tokens_trained,"
        "val_bpb,core_score,train_time_sec\n"
    )
    path = write(
        tmp_path, header + "1e18,10,640,21,20,21000000,49000000,1,91000042,4000,2.1e9,0.9,0.1,99\n"
    )
    runs = load(path)
    assert runs["N"][0] == 70e6
    assert runs["N_matrices"][0] == 49e6
    assert runs["N_all"][0] == 91000042
    assert (runs["D"][0], runs["loss"][0], runs["budget"][0]) == (2.1e9, 0.9, 1e18)
    assert runs.convention == Convention(
        N="matrices+head", D="processed", C="nominal", loss="bits/byte"
    )
    assert runs["depth"][0] == 10


def test_levanter_metrics(tmp_path):
    row = {
        "run_path": "gs://x/isoflop-1e+18-d1024",
        "config": {
            "model": {"hidden_dim": 1024, "num_layers": 11},
            "trainer": {"train_batch_size": 8},
        },
        "summary": {
            "throughput/total_tokens": 1000000000,
            "throughput/total_gflops": 1000000000.0,
            "eval/paloma/c4_en/bpb": 1.25,
            "parameter_count": 300000000,
        },
    }
    runs = load(write(tmp_path, json.dumps(row) + "\n", "tracker_metrics.jsonl"))
    assert (runs["N"][0], runs["D"][0], runs["C"][0], runs["loss"][0]) == (3e8, 1e9, 1e18, 1.25)
    assert (runs["width"][0], runs["layers"][0], runs["batch"][0]) == (1024, 11, 8)
    assert runs.convention == Convention(N="all", D="processed", loss="bits/byte")


@pytest.mark.parametrize(
    ("names", "product"),
    [
        ("params,loss,_step,global_batch_size,context_length", "D=_step*batch*context_length"),
        ("params,loss,max_steps,tokens per step", "D=max_steps*`tokens per step`"),
        ("params,loss,steps,batch", ""),
    ],
)
def test_tokens_that_are_missing_are_computed_from_steps(tmp_path, names, product):
    row = ",".join("1" for _ in names.split(","))
    table = load(write(tmp_path, f"{names}\n{row}\n"))
    with pytest.raises(InputError) as caught:
        table.require("D")
    assert ("from the steps" in caught.value.do) == bool(product)
    if product:
        quote = "'" if "`" in product else '"'
        assert f"--column {quote}{product}{quote}" in caught.value.do
        name, _, formula = product.partition("=")
        assert load(table, columns={name: formula})["D"].tolist() == [1.0]
