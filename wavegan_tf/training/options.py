"""Options of a training. Nothing here imports TensorFlow, so that command lines answer at once."""

from dataclasses import dataclass, field

from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import FORMS, ModelConfig
from wavegan_tf.options import check_options, option

LOSSES = ("wgan-gp", "wgan", "lsgan", "dcgan")


# fmt: off
@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained; raises InputError where a value is outside its rule."""

    loss: str = option("wgan-gp", "Loss: wgan-gp, wgan, lsgan or dcgan.", choices=LOSSES,
                       flag="wavegan_loss", group="Training")
    batch_size: int = option(64, "Number of slices in each update.", low=1,
                             flag="train_batch_size")
    disc_nupdates: int = option(
        5, "Number of Discriminator updates in each step, before the one Generator update.", low=1,
        flag="wavegan_disc_nupdates", group="Training")
    seed: int = option(
        0, "Seed of the initial weights, latent vectors and order of the data. A continued run may "
        "take a new one.", low=0)
    learning_rate: float | None = option(
        None, "Learning rate of Generator and Discriminator; the Q-network has half of it. Without "
        "the flag the rates are the original's, which depend on the loss (wgan-gp: 0.0001).",
        group="Training")
    conv: str = option(
        "auto", "How convolutions are computed: keras (plain Keras layers), plain (TensorFlow's "
        "strided operations), folded (without strides), matmul (matrix products), xla (matrix "
        "products compiled by XLA), or auto: a trial of some seconds at the first start finds the "
        "fastest form for each layer and direction on this machine.", choices=("auto", *FORMS),
        group="Machine")
    precision: str = option(
        "float32", "Precision of the products in convolutions; variables, penalty and losses are "
        "always float32. On a machine where bfloat16 is slower it is refused; forced_bfloat16 is "
        "not.",
        choices=("float32", "bfloat16", "forced_bfloat16"), group="Machine")

    def __post_init__(self) -> None:  # noqa: D105
        check_options(self)
        rate = self.learning_rate
        if rate is not None and not 0 < rate < 1:
            raise InputError(
                f"--learning_rate={rate:g}: must be between 0 and 1; without it, the original's "
                "rate is used"
            )

    @property
    def dtype(self) -> str:
        """The type of the products in convolutions, float32 or bfloat16."""
        return self.precision.removeprefix("forced_")


@dataclass(frozen=True)
class Schedule:
    """When a training stops, saves and summarises."""

    train_steps: int = option(
        0, "Step to stop at, in Generator updates; 0 trains until it is stopped.", low=0)
    save_secs: float = option(300.0, "Seconds between checkpoints; 0 turns this off.", low=0,
                              flag="train_save_secs", group="Saving")
    save_steps: int = option(0, "Steps between checkpoints; 0 turns this off.", low=0,
                             flag="train_save_steps", group="Saving")
    keep: int = option(5, "Number of newest checkpoints to keep; 0 keeps all.", low=0,
                       flag="train_keep", group="Saving")
    keep_every_hours: float = option(
        0.0, "Hours between checkpoints that are kept for good, in backups/ of the run; 0 keeps "
        "none.", low=0, group="Saving")
    summary_secs: float = option(
        120.0, "Seconds between summaries (TensorBoard, metrics.jsonl); 0 turns this off.", low=0,
        flag="train_summary_secs", group="Saving")
    summary_steps: int = option(
        0, "Steps between summaries (TensorBoard, metrics.jsonl); 0 turns this off.", low=0,
        flag="train_summary_steps", group="Saving")

    def __post_init__(self) -> None:  # noqa: D105
        check_options(self)


@dataclass(frozen=True)
class Options:
    """Everything that the command ``train`` is told."""

    data_dir: str = option(None, "Folder of recordings, in any audio format.", path=True)
    train_dir: str = option(None, "Run directory for checkpoints and metrics.", path=True)
    init_ckpt: str | None = option(
        None, "Checkpoint, also of the original code, that gives a new run its weights, optimisers "
        "and step.", path=True)
    data_cache: str | None = option(
        None, "Folder for decoded samples, so that later starts need not decode the recordings "
        "again.", group="Data", path=True)
    data_holdout: float = option(
        0.0, "Share of the recordings held out for a Wasserstein estimate, from 0 to below 1.",
        group="Data")
    deterministic: bool = option(
        False, "Make the same command give the same weights, to the bit, on one machine, however "
        "often it is interrupted; with --conv=auto, as long as its cache is kept.", group="Machine")
    strategy: str = option(
        "auto", "Replicas of the model: one; mirrored, on every GPU of this machine; multi_worker, "
        "on every process of TF_CONFIG or task of SLURM. auto chooses by TF_CONFIG and the number "
        "of GPUs.",
        choices=("auto", "one", "mirrored", "multi_worker"), group="Machine")
    architecture: ModelConfig = field(default_factory=ModelConfig)
    slices: SliceConfig = field(default_factory=SliceConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    schedule: Schedule = field(default_factory=Schedule)
