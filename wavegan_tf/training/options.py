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
    batch_size: int = option(64, "Number of examples in an update.", low=1,
                             flag="train_batch_size")
    disc_nupdates: int = option(
        5, "Number of Discriminator updates in a step, before the Generator's one.", low=1,
        flag="wavegan_disc_nupdates", group="Training")
    seed: int = option(
        0, "Seed of the initial weights, latents and order of the data; another one, given to a "
        "run that goes on, holds from there.", low=0)
    learning_rate: float | None = option(
        None, "Learning rate of Generator and Discriminator, the Q-network's is half of it; "
        "without the flag they are the original's, which depend on the loss (wgan-gp: 0.0001).",
        group="Training")
    conv: str = option(
        "auto", "Form in which convolutions are computed: keras, by the plain layers; plain, by "
        "TensorFlow's strided operations; folded, without strides; matmul, as matrix products; "
        "xla, as products compiled by XLA. auto: for each layer and direction the fastest on this "
        "machine, by a trial of seconds at the first start.", choices=("auto", *FORMS),
        group="Machine")
    precision: str = option(
        "float32", "Precision of the products in convolutions; variables, penalty and losses are "
        "float32. bfloat16 is refused on a machine where it is slower; forced_bfloat16 is not.",
        choices=("float32", "bfloat16", "forced_bfloat16"), group="Machine")

    def __post_init__(self) -> None:  # noqa: D105
        check_options(self)
        rate = self.learning_rate
        if rate is not None and not 0 < rate < 1:
            raise InputError(
                f"--learning_rate={rate:g}: must be between 0 and 1; the original's without it"
            )

    @property
    def dtype(self) -> str:
        """The type of the products in convolutions, float32 or bfloat16."""
        return self.precision.removeprefix("forced_")


@dataclass(frozen=True)
class Schedule:
    """When a training stops, saves and summarises."""

    train_steps: int = option(
        0, "Step to stop at, in Generator updates; 0 goes on until stopped.", low=0)
    save_secs: float = option(300.0, "Seconds between checkpoints; 0 saves none by time.", low=0,
                              flag="train_save_secs", group="Saving")
    save_steps: int = option(0, "Steps between checkpoints; 0 saves none by step.", low=0,
                             flag="train_save_steps", group="Saving")
    keep: int = option(5, "Number of newest checkpoints to keep; 0 keeps all.", low=0,
                       flag="train_keep", group="Saving")
    keep_every_hours: float = option(
        0.0, "Hours between checkpoints that are kept for good in the run's backups/; 0 keeps "
        "none.", low=0, group="Saving")
    summary_secs: float = option(120.0, "Seconds between summaries; 0 writes none by time.", low=0,
                                 flag="train_summary_secs", group="Saving")
    summary_steps: int = option(0, "Steps between summaries; 0 writes none by step.", low=0,
                                flag="train_summary_steps", group="Saving")

    def __post_init__(self) -> None:  # noqa: D105
        check_options(self)


@dataclass(frozen=True)
class Options:
    """Everything that the command ``train`` is told."""

    data_dir: str = option(None, "Folder of recordings, in any audio format.", path=True)
    train_dir: str = option(None, "Run directory for checkpoints and metrics.", path=True)
    init_ckpt: str | None = option(
        None, "Checkpoint, ours or the original's, that a new run begins from: weights, optimisers "
        "and step.", path=True)
    data_cache: str | None = option(
        None, "Folder that keeps decoded samples, so that no later start decodes them.",
        group="Data", path=True)
    data_holdout: float = option(
        0.0, "Share of the recordings held out for a Wasserstein estimate, from 0 to below 1.",
        group="Data")
    deterministic: bool = option(
        False, "Equal weights to the bit from equal commands on one machine, however often "
        "interrupted; with --conv=auto as long as its cache is kept.", group="Machine")
    strategy: str = option(
        "auto", "Replicas: one; mirrored, on every GPU of this machine; multi_worker, on every "
        "process of TF_CONFIG or task of SLURM; auto chooses by TF_CONFIG and the number of GPUs.",
        choices=("auto", "one", "mirrored", "multi_worker"), group="Machine")
    architecture: ModelConfig = field(default_factory=ModelConfig)
    slices: SliceConfig = field(default_factory=SliceConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    schedule: Schedule = field(default_factory=Schedule)
