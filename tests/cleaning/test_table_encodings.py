"""Encodings before Unicode, told by the letters and prices of tables that may be short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.cleaning.tables.letters import guess_codec
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError

RUSSIAN = (
    "Телефоны", "Чехол для iPhone 12 Pro", "Диван угловой", "ПРОДАМ СРОЧНО", "Коляска детская",
    "Юбка женская", "Эхолот", "Ёлка искусственная", "Шкаф-купе", "Холодильник Samsung",
    "Книга «Война и мир»", "Велосипед №5", "Щенок", "Обои 3D", "Запчасти ВАЗ", "Хомяк", "Кот",
    "Стул", "ЗИМНЯЯ КУРТКА", "Платье 44–46", "Аквариум на 100 л", "Яблони и груши", "гараж",
    "Ищу няню", "Объектив", "Самокат б/у", "Мягкая мебель", "Лодка ПВХ", "Ремонт квартир",
)  # fmt: skip
RUSSIAN_PRICES = (" руб", " руб.", "р.", " р.", "р", " рублей", "\xa0руб.", "")
CATEGORIES = ("Телефоны", "Мебель", "Животные", "Хобби и отдых")
WESTERN = {
    "German": ("schöner Stuhl", "Größe 42", "Küchentisch", "Fahrrad für Mädchen", "ÖLGEMÄLDE"),
    "French": ("vélo à vendre", "télévision", "chaise à dîner", "forêt", "garçon", "Été", "CAFÉ"),
    "English": ("Chair", "naïve art", "Phone – as new", "café table", "“Retro” lamp", "Desk"),
    "Spanish": ("niño", "bicicleta pequeña", "teléfono", "sofá cama", "Colección"),
}
WESTERN_PRICES = (" €", "€", "£", " £", "")
HEADER = ["id", "title", "price", "category"]


def codec_of(rows: Sequence[Sequence[str]], codec: str) -> list[list[str]]:
    """Return the rows as they are read from a file in a codec."""
    content = "\n".join(";".join(row) for row in [HEADER, *rows]).encode(codec)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(content)
        found = UserTable(path, HEADER)
        cells = found.rows({name: n for n, name in enumerate(HEADER)})
        return [list(row.cells.values()) for row in cells]


OTHERS = {
    "cp1250": (
        "Židle,žlutá velmi pěkná,Nábytek", "Stůl,dřevěný velký,Knížky a časopisy",
        "Kolo,skoro nové,Součástky", "Postel,bílá v dobrém stavu,Věci pro děti", "Křeslo,šedé,Dům",
        "Třípokojový byt,příjemný,Nemovitosti", "Dětský kočárek,málo používaný,Děti",
        "Dřevěné hračky,různé,Hračky", "Běžecké boty,červené,Sportovní potřeby",
    ),
    "cp1253": ("Καρέκλα,κίτρινη πολύ ωραία,Έπιπλα", "Τραπέζι,ξύλινο μεγάλο,Σπίτι και κήπος"),
    "cp1255": (
        "כיסא,צהוב יפה מאוד,רהיטים", "שולחן,עץ אלון גדול,בית וגן", "אופניים,כמעט חדשים,ספורט",
    ),
    "iso8859-5": ("Стул,Жёлтый хороший,Мебель", "Стол,дубовый большой,Книги и журналы"),
    "shift_jis": ("椅子,とても良いです,家具", "机,木製の大きい,本と雑誌", "自転車,ほぼ新品,部品"),
}  # fmt: skip


@pytest.mark.parametrize("codec", OTHERS)
@pytest.mark.parametrize("times", [1, 50])
def test_texts_in_other_encodings_are_refused_and_not_misread(codec: str, times: int) -> None:
    assert guess_codec("\n".join(OTHERS[codec] * times).encode(codec)) is None


def test_bullets_right_before_words_do_not_count_against_their_letters() -> None:
    text = "•Крепкий стул из дуба\n•Почти новый\n•Самовывоз\n•Торг уместен\n"
    guess = guess_codec(text.encode("cp1251"))
    assert guess is not None and guess.codec == "cp1251"


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([3, 4, 8, 60, 300]),
    st.sampled_from([*RUSSIAN_PRICES, " €"]),
    st.sampled_from(["cp1251", "koi8_r", "cp866"]),
)
def test_russian_tables_are_read_in_every_old_encoding(
    seed: int, size: int, unit: str, codec: str
) -> None:
    random = Random(seed)
    unit = unit.encode(codec, "ignore").decode(codec)
    titles = random.sample(RUSSIAN, random.choice([2, 5, len(RUSSIAN)]))
    titles = [title.encode(codec, "ignore").decode(codec) for title in titles]
    rows = [
        [str(n), random.choice(titles), f"{n}00{unit}", random.choice(CATEGORIES)]
        for n in range(size)
    ]
    assert codec_of(rows, codec) == rows


@pytest.mark.parametrize("title", RUSSIAN)
@pytest.mark.parametrize("size", [1, 3, 60, 300])
def test_one_russian_title_is_enough_for_windows(title: str, size: int) -> None:
    for unit in (*RUSSIAN_PRICES, " €"):
        rows = [[str(n), title, f"100{unit}", "A"] for n in range(size)]
        assert codec_of(rows, "cp1251") == rows


@pytest.mark.parametrize("size", [1, 3, 60, 300])
@pytest.mark.parametrize("unit", [unit for unit in RUSSIAN_PRICES if unit])
def test_prices_in_roubles_are_enough_for_windows(size: int, unit: str) -> None:
    rows = [[str(n), "Phone", f"{n}00{unit}", "A"] for n in range(size)]
    assert codec_of(rows, "cp1251") == rows


@pytest.mark.parametrize("language", WESTERN)
@pytest.mark.parametrize("size", [1, 3, 60, 300])
def test_western_tables_do_not_become_cyrillic(language: str, size: int) -> None:
    for unit in WESTERN_PRICES:
        for titles in (WESTERN[language], ("Phone", "Table"), *zip(WESTERN[language])):
            rows = [
                [
                    str(n),
                    titles[n % len(titles)],
                    f"{unit}{n}00" if unit == "£" else f"{n}00{unit}",
                    "A",
                ]
                for n in range(size)
            ]
            assert codec_of(rows, "cp1252") == rows


def test_the_whole_alphabet_of_mac_cyrillic_is_read() -> None:
    rows = [[str(n), title.replace("№", ""), "100", "А"] for n, title in enumerate(RUSSIAN)]
    assert codec_of(rows, "mac_cyrillic") == rows


def test_a_word_shows_what_was_guessed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id;title\n1;Стул\n2;Телефоны\n3;Телефоны\n".encode("cp1251"))
    assert UserTable(tmp_path / "t.csv").about == (
        "CSV in CP1251 as its letters suggest (e.g. 'Телефоны'), separated by semicolons"
    )


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("二手手机，成色很好，价格便宜", "gbk"),
        ("中古の携帯電話、きれい", "cp932"),
        ("żółty rower", "cp1250"),
    ],
)
def test_other_encodings_are_refused_and_not_guessed(tmp_path: Path, text: str, codec: str) -> None:
    (tmp_path / "t.csv").write_bytes(f"id,title\n1,{text}\n2,{text}\n".encode(codec))
    with pytest.raises(UserError, match="not text in a known encoding; save it as CSV UTF-8"):
        UserTable(tmp_path / "t.csv")
    assert guess_codec(Random(7).randbytes(5000)) is None
