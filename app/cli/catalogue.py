"""The demo catalogue: fifty products of a small household shop, `789` of the contract's sample order among them."""

from __future__ import annotations

from typing import Final, NamedTuple

CURRENCY: Final = "USD"
ON_HAND: Final = 100_000
"""Pieces of each product: enough for long load runs."""


class Product(NamedTuple):
    """A product and the price of one piece, in minor units of `CURRENCY`."""

    product_id: str
    name: str
    price_minor: int


CATALOGUE: Final = (
    Product("740", "Enamel mug, white", 1295),
    Product("741", "Enamel mug, blue", 1295),
    Product("742", "Stoneware bowl, small", 1450),
    Product("743", "Stoneware bowl, large", 2190),
    Product("744", "Dinner plate, stoneware", 1890),
    Product("745", "Side plate, stoneware", 1390),
    Product("746", "Water glass, set of four", 2400),
    Product("747", "Wine glass, set of two", 2950),
    Product("748", "Carafe, one litre", 3200),
    Product("749", "Teapot, cast iron", 5900),
    Product("750", "Pour-over coffee dripper", 2600),
    Product("751", "Paper filters, pack of 100", 790),
    Product("752", "Hand coffee grinder", 6900),
    Product("753", "Moka pot, six cups", 3790),
    Product("754", "Milk jug, stainless steel", 1790),
    Product("755", "Chef's knife, 20 cm", 7900),
    Product("756", "Paring knife", 1990),
    Product("757", "Bread knife", 4500),
    Product("758", "Sharpening stone", 3490),
    Product("759", "Chopping board, oak", 4290),
    Product("760", "Chopping board, beech", 2890),
    Product("761", "Cast iron skillet, 26 cm", 4990),
    Product("762", "Saucepan, two litres", 5490),
    Product("763", "Stock pot, eight litres", 8900),
    Product("764", "Roasting tin", 3150),
    Product("765", "Muffin tin, twelve cups", 1850),
    Product("766", "Rolling pin, maple", 1690),
    Product("767", "Mixing bowls, set of three", 3390),
    Product("768", "Kitchen scale, digital", 2990),
    Product("769", "Measuring spoons", 990),
    Product("770", "Whisk, stainless steel", 1190),
    Product("771", "Wooden spoon, olive", 890),
    Product("772", "Spatula, silicone", 950),
    Product("773", "Ladle, stainless steel", 1350),
    Product("774", "Colander, enamel", 2750),
    Product("775", "Salad spinner", 2490),
    Product("776", "Pepper mill, walnut", 3850),
    Product("777", "Salt cellar, marble", 2250),
    Product("778", "Oil bottle, dark glass", 1550),
    Product("779", "Storage jar, one litre", 1090),
    Product("780", "Storage jar, two litres", 1490),
    Product("781", "Bread box, bamboo", 4690),
    Product("782", "Linen tea towel", 1250),
    Product("783", "Linen apron", 3950),
    Product("784", "Oven gloves, pair", 1790),
    Product("785", "Table runner, linen", 2990),
    Product("786", "Beeswax candles, pair", 1390),
    Product("787", "Dish brush, beech", 690),
    Product("788", "Drying rack, steel", 3590),
    Product("789", "Kettle, stainless steel", 4990),
)
