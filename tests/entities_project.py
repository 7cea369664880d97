"""A project with entities, and the customers that conditions over their paths find."""

from datetime import datetime
from pathlib import Path

NOW = datetime(2026, 3, 2, 10)
TOML = """[project]
name = "x"
timezone = "UTC"

[delivery.email]
kind = "files"
folder = "outbox"
from = "A <a@example.com>"
"""
SOURCE = """source {name} {{
  kind = csv
  path = "{name}.csv"
  key = id
  columns {{
    id = {key}
{columns}
  }}
}}

"""


def source(name: str, key: str = "text", /, **columns: str) -> str:
    rows = "\n".join(f"    {column} = {type}" for column, type in columns.items())
    return SOURCE.format(name=name, key=key, columns=rows)


DATA = (
    source("people", email="text", shop="integer")
    + source(
        "products",
        title="text",
        category="text",
        price="decimal",
        is_new="boolean",
        maker="integer",
    )
    + source("shops", "integer", city="text", region="text")
    + source("regions", name="text", opened="date")
    + source("orders", person="text", product="text", shop="integer", at="datetime")
    + """
entity product {
  source = products
  key = id
  fields {
    title = title
    category = category
    price = money(price, EUR)
    is_new = is_new
    shop = shop(maker)
  }
}

entity shop {
  source = shops
  key = id
  fields {
    city = city
    region = region(region)
  }
}

entity region {
  source = regions
  key = id
  fields {
    name = name
    opened = opened
  }
}

profile customer {
  from people {
    email = email
    favourite = shop(shop)
  }
}

event purchase {
  source = orders
  customer = people(person)
  at = at
  fields {
    product = product(product)
    shop = shop(shop)
  }
}

event viewed {
  fields {
    product = product
  }
}

topic service {
  channels = [email]
  consent = none
}

measure spent {
  value = sum(purchase.product.price)
}
"""
)
FILES = {
    "people": "id,email,shop\nana,ana@x.com,1\nbob,bob@x.com,2\neve,eve@x.com,\nkim,kim@x.com,99\n",
    "products": "id,title,category,price,is_new,maker\n"
    "p1,Espresso,coffee,10,true,1\np2,Sencha,tea,20,,2\np3,Mystery,,5,false,\n",
    "shops": "id,city,region\n1,Madrid,south\n2,Oslo,north\n",
    "regions": "id,name,opened\nsouth,South,2020-01-01\nnorth,North,2025-06-01\n",
    "orders": "id,person,product,shop,at\n"
    "o1,ana,p1,1,2026-03-01 10:00\no2,ana,p2,2,2026-03-01 11:00\n"
    "o3,bob,p2,2,2026-01-01 11:00\no4,eve,p3,,2026-03-01 11:00\no5,kim,gone,1,2026-03-01 11:00\n",
}


def write(folder: Path, more: str = "", data: str = DATA) -> Path:
    (folder / "cij.toml").write_text(TOML)
    (folder / "a.journey").write_text(data + more)
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


# Whom a condition finds. Kim's shop and her product are not in the tables: all of them is unknown.
FINDS = {
    'favourite.city = "Madrid"': "ana",
    'favourite.city != "Madrid"': "bob eve kim",
    "favourite.city is unknown": "eve kim",
    "favourite is unknown": "eve",
    'favourite.region.name = "North"': "bob",
    "favourite.region.opened < 2021-01-01": "ana",
    '(favourite.city ?? "none") = "none"': "eve kim",
    'any(purchase where product.category = "coffee")': "ana",
    'any(purchase where event.product.category = "tea")': "ana bob",
    'any(purchase within last 720 hours where product.category = "tea")': "ana",
    'any(purchase where product.category != "tea")': "ana eve kim",
    "any(purchase where product.is_new)": "ana",
    "any(purchase where not product.is_new)": "ana bob eve kim",
    "any(purchase where shop = favourite)": "ana bob",
    "any(purchase where shop != favourite)": "ana eve kim",
    'any(purchase where product.shop.region.name = "North")': "ana bob",
    "count(purchase.product.category) = 1": "bob",
    "sum(purchase.product.price) > 15 EUR": "ana bob",
    "spent = 30 EUR": "ana",
    "max(purchase.product.price) >= 20 EUR": "ana bob",
    'last(purchase.product.title) = "Sencha"': "ana bob",
    'first(purchase.product.title) = "Espresso"': "ana",
}
