"""The methods for clips with sound, where one of both teaches the other: a second list beside that of images."""

from __future__ import annotations

from bandbridge.engine.api.catalogue import METHODS, MethodInfo, Setting, method_info

TEACHER_STAGE, STUDENT_STAGE = "Teacher", "Student"

_AUGMENT = Setting(
    key="augment",
    title="Random views",
    default="flip-shift",
    choices=("none", "flip-shift"),
    explain="Pictures are mirrored and shifted at random while training, all pictures of a clip alike; 'none' where "
    "left and right matter.",
)
_TEACHER_EPOCHS = Setting(
    key="teacher_epochs",
    title="Epochs of the teacher",
    default=30,
    low=1,
    high=10000,
    explain="How often the teacher sees all training clips before the student begins; features given from elsewhere "
    "are only read by a last layer.",
    stage=TEACHER_STAGE,
)
_TEACHER_RATE = Setting(
    key="teacher_rate",
    title="Learning rate of the teacher",
    default=1e-3,
    low=1e-6,
    high=1.0,
    explain="How large the teacher's steps are at the beginning.",
    stage=TEACHER_STAGE,
)


def _weight(key: str, title: str, default: float, explain: str) -> Setting:
    return Setting(
        key=key,
        title=title,
        default=default,
        low=0.0,
        high=100000.0,
        explain=f"{explain} 0 switches the term off.",
        stage=STUDENT_STAGE,
    )


def _temperature(key: str, title: str, default: float, explain: str) -> Setting:
    return Setting(key=key, title=title, default=default, low=0.01, high=100.0, explain=explain, stage=STUDENT_STAGE)


def _taught(*, key: str, title: str, sentence: str, citation: str, settings: tuple[Setting, ...]) -> MethodInfo:
    """A method with a teacher."""
    return MethodInfo(
        key=key,
        title=title,
        sentence=sentence,
        citation=citation,
        settings=(*settings, _TEACHER_EPOCHS, _TEACHER_RATE, _AUGMENT),
        stages=(TEACHER_STAGE, STUDENT_STAGE),
        learning_rate=1e-3,
    )


_MNF_CSC_CITATION = (
    "Xia, Li, Deng, Xiong, Dou and Hu, Robust Cross-Modal Knowledge Distillation for Unconstrained Videos, 2023 "
    "(arXiv 2304.07775)"
)
_CONTRAST = _weight("contrast_weight", "Weight of contrast", 1.0, "Draws clips of one class together across both.")
_ROBUST_CONTRAST = _weight(
    "contrast_weight",
    "Weight of contrast",
    0.1,
    "Draws clips of one class together across both; 1 as published, for thousands of clips.",
)
_BASE_TEMPERATURE = _temperature(
    "base_temperature",
    "Base temperature",
    0.07,
    "Added to how well picture and sound of a clip go together; 0.07 for clips of one class each, 0.2 for long and "
    "mixed ones, as published.",
)
_FILTER = (
    _weight("filter_weight", "Weight of the filter", 1.0, "Makes what is kept of the teacher more like the student."),
    _weight("sparsity_weight", "Weight of sparsity", 1e-3, "Keeps the filter simple."),
)
_PURIFIER_RATE = Setting(
    key="purifier_rate",
    title="Rate of filter and calibration",
    default=0.2,
    low=0.001,
    high=100.0,
    explain="Their learning rate, as a share of the student's; 0.2 as published.",
    stage=STUDENT_STAGE,
)
_TEACHER_SPACE = Setting(
    key="teacher_space",
    title="Space of the teacher's features",
    default="own",
    choices=("own", "student"),
    explain="'own' as published; 'student' lays them among the student's first, so that the temperature tells what "
    "does not belong. Always 'student' where their widths differ.",
    stage=STUDENT_STAGE,
)
_AUXILIARY = _weight(
    "auxiliary_weight",
    "Weight of the second answer",
    1.0,
    "Lets what the teacher points at in the student's clip be recognised by itself.",
)

VIDEO_METHODS: tuple[MethodInfo, ...] = (
    MethodInfo(
        key="ce",
        title="Labels only",
        sentence="Trains the student on the labels, without a teacher: the number every teacher must beat.",
        citation="",
        settings=(_AUGMENT,),
        stages=(STUDENT_STAGE,),
        learning_rate=1e-3,
    ),
    _taught(
        key="kd",
        title="KD",
        sentence="Lets the student learn the teacher's softened answers beside the labels.",
        citation="Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015 (arXiv 1503.02531)",
        settings=(
            _weight("answers_weight", "Weight of the answers", 1.0, "How much the teacher's answers count."),
            _temperature("temperature", "Temperature", 4.0, "How much the answers are softened; 1 leaves them."),
        ),
    ),
    _taught(
        key="fitnet",
        title="FitNet",
        sentence="Lets the student's features come close to the teacher's, behind a layer between their widths.",
        citation="Romero, Ballas, Kahou, Chassang, Gatta and Bengio, FitNets: Hints for Thin Deep Nets, ICLR 2015 "
        "(arXiv 1412.6550)",
        settings=(_weight("hint_weight", "Weight of the hint", 1.0, "How much the teacher's features count."),),
    ),
    _taught(
        key="sp",
        title="SP",
        sentence="Lets the student find the same clips alike as the teacher does.",
        citation="Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019 (arXiv 1907.09682)",
        settings=(
            _weight("similarity_weight", "Weight of likeness", 30.0, "How much likenesses count; 3000 in its paper."),
        ),
    ),
    _taught(
        key="pkt",
        title="PKT",
        sentence="Lets the student give every clip the same chances of being another's neighbour as the teacher does.",
        citation="Passalis and Tefas, Learning Deep Representations with Probabilistic Knowledge Transfer, ECCV 2018 "
        "(arXiv 1803.10837)",
        settings=(_weight("neighbours_weight", "Weight of neighbours", 100.0, "How much neighbourhoods count."),),
    ),
    _taught(
        key="rkd",
        title="RKD",
        sentence="Lets distances and angles between clips become those of the teacher.",
        citation="Park, Kim, Lu and Cho, Relational Knowledge Distillation, CVPR 2019 (arXiv 1904.05068)",
        settings=(
            _weight(
                "distance_weight",
                "Weight of distances",
                1.0,
                "How much distances between clips count; 25 in its paper.",
            ),
            _weight("angle_weight", "Weight of angles", 2.0, "How much angles between clips count; 50 in its paper."),
        ),
    ),
    _taught(
        key="crd",
        title="CRD",
        sentence="Lets the student tell the teacher's view of a clip from its views of other clips.",
        citation="Tian, Krishnan and Isola, Contrastive Representation Distillation, ICLR 2020 (arXiv 1910.10699)",
        settings=(
            _weight("instance_weight", "Weight of contrast", 0.1, "How much the contrast counts; 0.8 in its paper."),
            _temperature("temperature", "Temperature", 0.1, "The lower, the more the nearest other clips count."),
            Setting(
                key="others",
                title="Other clips",
                default=256,
                low=1,
                high=65536,
                explain="How many other clips every clip is told from in a step, where there are as many.",
                stage=STUDENT_STAGE,
            ),
        ),
    ),
    _taught(
        key="ccl",
        title="CCL",
        sentence="Puts student and teacher together into one richer view, and draws the student towards it.",
        citation="Chen, Xian, Koepke, Shan and Akata, Distilling Audio-Visual Knowledge by Compositional Contrastive "
        "Learning, CVPR 2021 (arXiv 2104.10955)",
        settings=(
            _weight("composition_weight", "Weight of the composition", 1.0, "Lets the view of both be recognised."),
            _CONTRAST,
            _weight(
                "agreement_weight", "Weight of agreement", 1.0, "Draws answers to the clip and to the view together."
            ),
            _temperature("temperature", "Temperature", 0.1, "The lower, the more the nearest clips count."),
        ),
    ),
    _taught(
        key="mnf-csc",
        title="MNF + CSC",
        sentence="Filters out what in the teacher does not belong to the clip, and trusts each pair of picture and "
        "sound as far as they go together.",
        citation=_MNF_CSC_CITATION,
        settings=(_ROBUST_CONTRAST, _AUXILIARY, *_FILTER, _BASE_TEMPERATURE, _TEACHER_SPACE, _PURIFIER_RATE),
    ),
    _taught(
        key="csc-only",
        title="CSC without MNF",
        sentence="Trusts each pair of picture and sound as far as they go together, and filters nothing.",
        citation=f"{_MNF_CSC_CITATION}, without its filter",
        settings=(_ROBUST_CONTRAST, _AUXILIARY, _BASE_TEMPERATURE, _TEACHER_SPACE, _PURIFIER_RATE),
    ),
    _taught(
        key="mnf-only",
        title="MNF without CSC",
        sentence="Filters out what in the teacher does not belong to the clip, and trusts all pairs alike.",
        citation=f"{_MNF_CSC_CITATION}, without its calibration",
        settings=(_ROBUST_CONTRAST, *_FILTER, _BASE_TEMPERATURE, _TEACHER_SPACE, _PURIFIER_RATE),
    ),
)

DEFAULT_VIDEO_METHOD = "mnf-csc"


def video_method_info(key: str) -> MethodInfo:
    """The entry of a method for clips.

    Raises:
        UsageError: No method has this key.
    """
    return method_info(key, VIDEO_METHODS, " for clips")


def any_method_info(key: str) -> MethodInfo:
    """The entry of a method for images or for clips.

    Raises:
        UsageError: No method has this key.
    """
    return method_info(key, (*METHODS, *VIDEO_METHODS))


def is_for_clips(key: str) -> bool:
    """Whether a method is one for clips."""
    return any(info.key == key for info in VIDEO_METHODS)


def has_teacher(info: MethodInfo) -> bool:
    """Whether a method for clips learns from a teacher."""
    return TEACHER_STAGE in info.stages
