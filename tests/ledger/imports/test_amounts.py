"""The digits of a printed number, whatever stands around them; `test_cells` has amounts as such."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.imports.amounts import MARKS, Number, number_parser, to_ascii


@given(st.text(alphabet="0123456789.,-+()'  −（）－¥元", max_size=20), st.sampled_from(list(MARKS)))
def test_number__is_split_or_none_and_loses_no_digit(text: str, decimal: str) -> None:
    found = number_parser(decimal, ["¥", "元"])(text)
    if found is not None:
        assert found.whole + found.decimals == "".join(
            one for one in to_ascii(text) if one.isdigit())
        assert found.whole


@given(st.booleans(), st.from_regex(r"[0-9]{1,15}", fullmatch=True),
       st.from_regex(r"([0-9]{1,10})?", fullmatch=True), st.sampled_from(list(MARKS)))
def test_number__is_split_at_its_mark(
    negative: bool, whole: str, decimals: str, decimal: str
) -> None:
    text = "-" * negative + whole + (MARKS[decimal] + decimals if decimals else "")
    assert number_parser(decimal)(text) == Number(negative, whole, decimals)


def test_full_width__is_that_of_ascii() -> None:
    assert to_ascii("（１，２３４．５０）－＋\u3000／：−") == "(1,234.50)-+ /:-"
