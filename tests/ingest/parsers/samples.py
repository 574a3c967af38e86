"""Small files of many formats, made by the tests themselves."""

import base64
import io
import textwrap
import zipfile
import zlib

# A workbook of Excel 97-2003 (xlwt wrote it; nothing that is installed here can): sheet "Salaries" with the columns
# Name, Joined (date), Salary, Remote (boolean) and two rows, and an empty second sheet.
_XLS = r"""
c-rk)O=uHA6#izi`72GD#8zm95(-wW?Lj=~rHu-
0rM02fgCc^aW`)=$DX|{n#cIt_5IiYf3iaTn>ct;aRJ?c)DtZtEA<>(HASiffyS{n5v1v`Afm(^|x6GS2Z|1#uJM-pe_w{TrKXtdMfMw`{0}F;
1t`eD`<SiBgpnAhlY%%vxGHg^8ydIiJmlKbCuiR=5)qEEqaYuVj6!=K#7{(Ayr}XeTVjueu6Uv89p;7Ef+@Rz~Bl{I%dXnh|rnkB6W2Sppa+zr
-wats8n2ki+c3W|LM7D69pQyln)_Kp89caKy702hV2(zsddozjHXq8noYqgjLO=+*5(le@DhnuJYvV@LgvLhbPqn@UF8b6FM@V&UMpM`Dt`pN}
J{&T6^y@K3Blek=dRcgQlj1xiybB=cAF3sGI55-1fnS_2O2OoNPCwHPdIX0f1qZQ(^Ry(zg#*#X*ed$C>j}yasSz?CtWO`huJ-
<JZ3=bqyrxO%W2XsB$cQ#d{P6OUO0!wxeAFrueqH)wQALNx4Acy8|eS0%7JQz97k_kRB%yVV4dI=b~pfpI?&ovIFs-
}%KwllrRRyQ%<#I&AXjPlmO28-
#L<TjVMww3zX$#@&tQo?T~KKJF|gXY|)$Ts3<dJE_3XWm7o&_d^2ob=T*iFVO0u3uAl7%Aq$+JQbWZTw?5^2mVYyI~!kb(mM{j}T;PmelBo-
z8~{m05C7$zj<NWo!wyrAFrod82#{;nY)QqksP{3I?b2kj%k7C>yej4aqi~mJP`^KEGf;zDk%jB-
@}nfehiEQlRKr#M;FHR*Zv1R9hVIn4#R5*|1^5h7B7wZ2TJtzIB>6ZH+$=%-
fsW`mZxjX~F(Y^50?zX?n)#ld>Br$}`AT6h9l`6h&KNl{&@$g$jqM_Y6ib%zlhi9KUq?7NzgAYQ@0XEul*LU#P^-zuf;X!ru<K
"""


def xls() -> bytes:
    """The Excel 97-2003 workbook described above."""
    return zlib.decompress(base64.b85decode("".join(_XLS.split())))


def pdf(*pages: list[tuple[float, float, float, str, str]], title: str = "", keywords: str = "") -> bytes:
    """A PDF with a text layer. Each page lists (x, y, size, font, text); fonts are F1 (Helvetica) and F2 (bold)."""
    objects: list[bytes] = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
        f"<</Title({title})/Keywords({keywords})>>".encode(),
    ]
    kids = []
    for page in pages:
        drawn = "".join(
            f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({_escaped(text)}) Tj ET\n" for x, y, size, font, text in page
        ).encode("cp1252")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R"
            b"/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>" % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    out = io.BytesIO()
    out.write(b"%PDF-1.5\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer<</Size %d/Root 1 0 R/Info 5 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table))
    return out.getvalue()


def prose(text: str, y: float = 700, *, x: float = 72, size: float = 11, font: str = "F1", width: int = 80) -> list:
    """Lines of running text for `pdf`."""
    return [(x, y - 14 * number, size, font, line) for number, line in enumerate(textwrap.wrap(text, width))]


def zipped(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def picture(text: str, size: tuple[int, int] = (900, 200), kind: str = "PNG", points: int = 48) -> bytes:
    """A picture of a line of text."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "white")
    font = ImageFont.load_default(points)
    ImageDraw.Draw(image).text((40, 60), text, fill="black", font=font)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
