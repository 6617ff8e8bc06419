"""Models counted: released weights to the last one, FLOPs by the formula, refusals."""

import json

import numpy as np
import pytest

from isoflop.cli.main import run
from isoflop.design.architecture import Architecture
from isoflop.errors import InputError
from isoflop.runs.counting import count

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
GPT2 = {
    "model_type": "gpt2",
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_positions": 1024,
    "n_inner": None,
    "vocab_size": 50257,
}
MIXTRAL = LLAMA | {
    "model_type": "mixtral",
    "vocab_size": 32000,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}


def write(tmp_path, config):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("config", "released"),
    [
        # Elements of the released weights: Llama 3 8B, Llama 2 7B, GPT-2, Mixtral 8x7B.
        (LLAMA, 8_030_261_248),
        (
            LLAMA | {"num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000},
            6_738_415_616,
        ),
        (GPT2, 124_439_808),
        (MIXTRAL, 46_702_792_704),
    ],
)
def test_released_models(tmp_path, config, released):
    assert count(write(tmp_path, config)).N["all"] == released


def test_active_weights_of_a_mixture(tmp_path):
    found = count(write(tmp_path, MIXTRAL))
    assert found.active == pytest.approx(12.75e9, rel=0.002)  # "uses 13B active parameters"
    assert found.over_6N["active"] > 1 > found.over_6N["all"]


def test_flops_are_those_of_the_trainer():
    for shape in ({}, {"activation": "swiglu", "tied": True}):
        ours = Architecture(width=64, layers=3, head_dim=16, vocab=1000, context=256, **shape)
        found = count(
            width=64,
            layers=3,
            heads=4,
            vocab=1000,
            hidden=256,
            gated=bool(shape),
            tied=bool(shape),
            context=256,
        )
        assert found.training == ours.flops_per_token()
        assert found.N["matrices+head"] == ours.parameters()


def test_parts_of_the_flops(tmp_path):
    path = write(tmp_path, LLAMA)
    found = count(path, context=8192)
    products = 6.0 * found.N["matrices+head"]
    assert found.training * (1 - found.attention) == pytest.approx(products, rel=1e-12)
    assert found.over_6N["matrices+head"] == pytest.approx(1 / (1 - found.attention), rel=1e-12)
    assert found.training == pytest.approx(3 * found.reading, rel=1e-12)
    even = count(path, context=int(np.rint(found.even)))
    assert even.attention == pytest.approx(0.5, abs=1e-4)


def test_what_the_file_does_not_say(tmp_path):
    unknown = write(tmp_path, LLAMA | {"model_type": "new"})
    with pytest.raises(InputError, match="two branches"):
        count(unknown)
    assert count(unknown, gated=True).N["all"] == 8_030_261_248


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LLAMA | {"hidden_size": "4096"}, "width of a model is not '4096'"),
        (LLAMA | {"num_key_value_heads": 5}, "cannot share 5"),
        (LLAMA | {"kv_lora_rank": 512}, "latent attention"),
        (LLAMA | {"num_attention_heads": 0}, "heads = 0 is not positive"),
        (MIXTRAL | {"num_experts_per_tok": 9}, "9 of 8 experts"),
        ({"model_type": "llama"}, "not known of the model: width, layers, vocab, heads"),
        ([], "no configuration"),
    ],
)
def test_refusals(tmp_path, config, message):
    with pytest.raises(InputError, match=message):
        count(write(tmp_path, config))


def test_names_that_are_no_size():
    with pytest.raises(InputError, match="depth of a model is no size"):
        count(depth=3)


def test_the_verb(tmp_path, capsys):
    path = str(write(tmp_path, LLAMA))
    assert run(["count", path, "--context", "8192"]) == 0
    text = capsys.readouterr().out
    assert "all            8,030,261,248  1.068" in text
    assert "5.15e10 FLOPs a token at a context of 8,192" in text
    assert run(["count", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["N"]["matrices"] == 6_979_321_856
    assert run(["count", str(tmp_path / "none.json")]) == 2
    assert "there is no file" in capsys.readouterr().err
