"""Contact data: the forms that platforms match, the check values of their documents, and what is not kept."""

from __future__ import annotations

from hashlib import sha256

import pytest

from collector.event.contact import ContactData, forms, is_contact, without


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("told", "country", "made"),
    [
        ({"email": " John_Smith@gmail.com "}, "", {"email": "john_smith@gmail.com"}),
        ({"email": "J.Smith+shop@Gmail.com"}, "", {
            "email": "j.smith+shop@gmail.com", "email_google": "jsmith+shop@gmail.com",
            "email_tiktok": "j.smith@gmail.com",
        }),
        ({"Email": "a.b@shop.example"}, "", {"email": "a.b@shop.example"}),
        ({"email": "nobody"}, "", {}),
        ({"email": "a@b"}, "", {}),
        ({"phone": "(650) 555-1212", "country": "US"}, "", {"phone": "16505551212", "phone_e164": "+16505551212"}),
        ({"phone": "030 901820"}, "DE", {"phone": "4930901820", "phone_e164": "+4930901820"}),
        ({"phone": "+49 30 901820"}, "US", {"phone": "4930901820", "phone_e164": "+4930901820"}),
        ({"phone": "030 901820"}, "", {}),
        ({"phone": "12"}, "DE", {}),
        ({"firstName": "Mary"}, "", {"first_name": "mary"}),
        ({"first_name": "Jean-Valéry  "}, "", {"first_name": "jeanvaléry", "first_name_google": "jean-valéry"}),
        ({"last_name": "O'Neil Jr."}, "", {"last_name": "oneiljr", "last_name_google": "o'neiljr."}),
        ({"last_name": "Vale\u0301ry"}, "", {"last_name": "valéry"}),
        ({"zip": "94035-1234", "country": "us"}, "", {"zip": "94035"}),
        ({"postal-code": "SW1A 1AA"}, "GB", {"zip": "sw1a1aa"}),
        ({"city": "São Paulo"}, "", {"city": "sãopaulo"}),
        ({"zip": "", "email": None}, "", {}),
        ({"country": "Germany"}, "", {}),
    ],
)  # fmt: skip
def test_forms_of_what_is_told(told, country, made):
    found = forms(told, country, ContactData.HASHED)
    found.pop("contact.country", None)
    assert found == {f"contact.{form}": hashed(text) for form, text in made.items()}


@pytest.mark.parametrize(
    ("told", "form", "digits"),
    [
        ({"email": "john_smith@gmail.com"}, "email", "62a14e44f765"),
        ({"phone": "+1 650 555 1212"}, "phone", "e323ec626319"),
        ({"first_name": "Mary"}, "first_name", "6915771be1c5"),
        ({"first_name": "Valéry"}, "first_name", "08e1996b5dd4"),
    ],
)
def test_check_values_of_the_platforms(told, form, digits):
    assert forms(told, "", ContactData.HASHED)[f"contact.{form}"][:12] == digits


def test_a_site_says_what_is_kept():
    told = {"email": "Ann@Shop.example", "phone": "030 901820", "zip": "10117", "country": "de"}
    assert forms(told, "", ContactData.NONE) == {}
    plain = forms(told, "", ContactData.PLAIN)
    assert plain["contact.email.plain"] == "Ann@Shop.example"
    assert plain["contact.phone.plain"] == "+4930901820"
    assert plain["contact.country"] == "de"
    assert not any(name.endswith(".plain") for name in forms(told, "", ContactData.HASHED))


def test_hashes_that_the_site_made_itself():
    digest = hashed("ann@shop.example")
    assert forms({"email_sha256": digest.upper()}, "", ContactData.HASHED) == {"contact.email": digest}
    assert forms({"email_sha256": "ann@shop.example"}, "", ContactData.HASHED) == {}


def test_contact_data_is_taken_out_of_properties():
    props = {"plan": "pro", "E-Mail": "a@b.example", "lastName": "X", "contact.email": "forged", "zip_code": 1}
    assert without("identify", props) == {"plan": "pro"}
    assert without("signup", props) == {name: value for name, value in props.items() if name != "contact.email"}
    same = {"plan": "pro"}
    assert without("signup", same) is same
    assert is_contact("phone_sha256") and not is_contact("plan")
