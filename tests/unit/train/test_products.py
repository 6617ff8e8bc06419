"""Matrix products by either library, and the rule that chooses between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from training import LIBRARIES

from isoflop.train import processor, products

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    products.onednn_is_faster.cache_clear()
    yield
    products.onednn_is_faster.cache_clear()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("outs", "ins"), [(24, 8), (8, 24), (16, 16), (1, 5)])
def test_products_and_gradients_are_exact(
    library: type[products.Linear], outs: int, ins: int
) -> None:
    random = torch.Generator().manual_seed(3)
    w, y = torch.randn(outs, ins, generator=random), torch.randn(12, ins, generator=random)
    x, d_h = (torch.randn(12, outs, generator=random) for _ in range(2))
    d_w = torch.full_like(w, torch.nan)
    layer = library(w, d_w, 12)
    close = torch.testing.assert_close
    close(layer.forward(y), y @ w.T)
    close(layer.forward(y[:5]), y[:5] @ w.T)
    close(layer.add_to(x.clone(), y), x + y @ w.T)
    close(layer.backward(d_h, y.clone()), d_h @ w)
    close(d_w, d_h.T @ y)
    layer.weight_gradient(d_h, y, add=True)
    close(d_w, 2 * d_h.T @ y)


def test_the_choice_follows_from_processor_and_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(vendor: str, capability: str, multiplications: int) -> type[products.Linear]:
        monkeypatch.setattr(processor, "vendor", lambda: vendor)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
        products.onednn_is_faster.cache_clear()
        return products.library(multiplications)

    assert chosen("AuthenticAMD", "AVX512", 3_000_000) is products.OneDNNLinear
    assert chosen("AuthenticAMD", "AVX512", 2_999_999) is products.Linear
    assert chosen("AuthenticAMD", "AVX2", 3_000_000) is products.Linear
    assert chosen("GenuineIntel", "AVX512", 3_000_000) is products.Linear
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert chosen("AuthenticAMD", "AVX512", 3_000_000) is products.Linear


def test_this_machine_has_a_name() -> None:
    assert processor.vendor()
    assert processor.name()
