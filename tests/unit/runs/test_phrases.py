import pytest

from isoflop.runs.guess import guess


@pytest.mark.parametrize(
    ("standard", "names", "found"),
    [
        ("N", "total_parameter_count", "total_parameter_count"),
        ("N", "params_active_precise", "params_active_precise"),
        ("N", "embedding_params num_trainable_params", "num_trainable_params"),
        ("N", "emb_params non_emb_params_M", "non_emb_params_M"),
        ("N", "numParams", "numParams"),
        ("D", "tokens_per_step vocab_tokens num_tokens_seen", "num_tokens_seen"),
        ("D", "total_train_tokens unique_tokens", "total_train_tokens"),
        ("C", "flops_per_step total_training_flops", "total_training_flops"),
        ("loss", "aux_loss loss_std loss_validation", "loss_validation"),
        ("loss", "train/.loss_mean val/.dclm_loss", "val/.dclm_loss"),
        ("loss", "train_loss smooth_loss eval/loss", "eval/loss"),
        ("loss", "eval/CrossEntropyLoss", "eval/CrossEntropyLoss"),
        ("batch", "lr bs", "bs"),
        ("budget", "iso_flop N", "iso_flop"),
    ],
)
def test_names_that_say_it_in_words_are_found(standard, names, found):
    assert guess(names.split())[standard].expression == found


@pytest.mark.parametrize(
    ("standard", "names"),
    [
        ("N", "expert_params"),
        ("N", "embedding_params"),
        ("N", "params_ratio tokens_per_param"),
        ("D", "tokens_per_second unique_tokens"),
        ("C", "flops_per_token model_flops"),
        ("loss", "init_loss aux_loss val_loss_std loss_c4 loss_pile"),
        ("loss", "eval/c4_loss eval/pile_loss"),
        ("loss", "loss_train_avg"),
    ],
)
def test_other_quantities_are_not_taken_for_it(standard, names):
    assert standard not in guess(names.split())


def test_a_multiplier_in_the_name_counts():
    found = guess(["trainable params (M)", "training tokens (B)"])
    assert (found["N"].factor, found["D"].factor) == (1e6, 1e9)


def test_numbers_called_data_are_no_corpus():
    assert "corpus" not in guess(["N", "data", "loss"])
    assert guess(["N", "data", "loss"], words={"data"})["corpus"].expression == "data"
