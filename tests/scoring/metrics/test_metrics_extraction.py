"""The answer in a reply is read if there is one, and only if there is one."""

import pytest

from medcheck.scoring.metrics.extraction import boxed, letter_of, short_of

OPTIONS = {"A": "Aspirin", "B": "Metformin 500 mg", "C": "a beta blocker", "D": "None of these"}

ONE = [
    "B", "b", "(B)", "B.", "**B**", "<B>", "Ｂ", "The answer is B", "The answer is B.",
    "The correct answer is (B) Metformin.", "Answer: B", "ANSWER: B",
    "Final Answer: **B. Metformin**", "答案是B", "答案：B。", "正确答案为 B", "应选B", "选B",
    "故选 B。", "因此，答案选B", "选项B正确", "最佳选项是B",
    "我认为答案应该是 B 选项", r"\boxed{B}", r"$\boxed{\text{B}}$", "B. Metformin 500 mg",
    "B) Metformin 500 mg", "B: Metformin", "Metformin 500 mg", "The answer is Metformin 500 mg.",
    "Option B is correct.", "Therefore the answer is option B.", "The best choice is B",
    "The answer is B because of the kidneys.", "I think about it.\nA is wrong.\nB",
    "B\n\nBecause metformin lowers glucose.", "Answer: C\nOn reflection\nFinal answer: B",
    "Option A is wrong. Option C is unlikely. The answer is B.",
    "选A不对，应选B", "选项A错误。选项B正确。",
    "Option B", "**Option B**", "I would choose B.", "I'd pick B because it is not toxic.",
    "I will go with option (B).", "Choose B.", "My choice: B", "Therefore, B is correct.",
    "Therefore B is the best answer.", "I think B is the most likely.", "因此，B是正确答案",
    "The answer is not C, it is B", "The answer is not C but B.", "It is not A; it's B.",
    "A patient like this needs metformin. Hence B is correct.",
    "I would choose B. Option A is too slow.", "I would choose B.\nThe answer is B.",
]  # fmt: skip
NONE = [
    "I would not choose B.", "I wouldn't pick B", "If I had to choose B", "Some would choose C.",
    "I would choose B or C", "I would choose B over A.", "I would choose B cell depletion.",
    "Hepatitis B is the most likely diagnosis", "Vitamin B is the best", "B is correct only if",
    "Neither B nor C is correct", "I don't think B is correct", "Option B is not the best",
    "Option B or option C", "Option A. Option B.", "Choose B. Choose C.", "A, B is correct",
    "I would choose B. Actually C is better.", "I would choose B, but am not sure.",
    "not B, but it is unclear", "I might choose B.", "Yes, option B?",
    "", "  ", "A or B", "Both A and B", "The answer is A or B", "The answer is A, B", "答案：A、B",
    "answer: (A) and (B)", "The answer is not B", "B is incorrect", "The answer is B is wrong",
    "A. Aspirin\nB. Metformin 500 mg", "The answer is a beta blocker of some kind",
    "The answer is A patient", "B. Aspirin", "E", "The answer is E", "I cannot answer.", "不选B",
    "A patient came in.", "Answer: A\nAnswer: B\nhmm", "选择合适的治疗方案很重要", r"\boxed{A, B}",
]  # fmt: skip


@pytest.mark.parametrize("reply", ONE)
def test_a_named_letter_is_read(reply):
    """However a reply says B, it says B."""
    assert letter_of(reply, OPTIONS) == "B"


@pytest.mark.parametrize("reply", NONE)
def test_no_letter_is_guessed(reply):
    """Two letters, a denied one, an unknown one, an article and silence are no answer."""
    assert letter_of(reply, OPTIONS) is None


POLAR = {"A": "yes", "B": "no", "C": "maybe"}


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Yes, the study shows it.", "A"), ("no - it does not", "B"), ("Maybe; more data.", "C"),
        ("Yes.\nThe groups differ.", "A"), ("yes because of the p value", "A"),
        ("No. 5 of the patients", None), ("No evidence was found.", None), ("Yes, but no", None),
        ("No-one knows.", None), ("Yes, or maybe.", None), ("Yes, I see. The answer is B.", "B"),
    ],
)  # fmt: skip
def test_a_leading_yes_or_no(reply, found):
    """Where the options are yes, no and maybe, the word before the reasons is the answer."""
    assert letter_of(reply, POLAR) == found
    assert letter_of("Yes, aspirin.", OPTIONS) is None


def test_letters_without_known_options():
    """Where nothing says what the options are, any letter may be one."""
    assert letter_of("The answer is F.", {}) == "F"


def test_the_last_box_counts():
    """A reply's last box is its answer; braces inside it stay."""
    assert boxed(r"\boxed{1} then \boxed{x^{2}}") == "x^{2}"
    assert boxed("no box") is None


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("0", "0"), ("1.", "1"), ("Yes.", "Yes"), ("The answer is yes", "yes"),
        ("答案：是。", "是"),
        ("0\n\nBecause it is all true.", "0"), (r"So \boxed{12.5}.", "12.5"), ("", None),
        ("A long thought goes first, on several matters.\nyes", "yes"),
        ("Answer: no\nOn second thought.\nAnswer: yes", "yes"),
    ],
)  # fmt: skip
def test_the_few_words_of_an_answer(reply, found):
    """What a reply gives as its answer is read from where answers stand."""
    assert short_of(reply) == found
