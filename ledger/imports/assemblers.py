"""What makes the statements of a profile, by what its rows are about."""

from ledger.common.days import Days
from ledger.imports.assembling import Assembler
from ledger.imports.assembly import OrderAssembler
from ledger.imports.choices import DECLARED, NO_STOCK
from ledger.imports.counting import CountAssembler
from ledger.imports.errors import CountsAreStock, NoWarehouse
from ledger.imports.moving import MovementAssembler
from ledger.imports.profile import COUNT, RETURN, Profile
from ledger.imports.returning import ReturnAssembler


def assembler_of(
    profile: Profile, shop: str | None, stock: str | None, *, days: Days
) -> Assembler:
    """What makes a profile's statements, for a ledger that has these days: where the profile names
    no zone, its times are of theirs. Errors: NoWarehouse (R-IMP-18), CountsAreStock (R-IMP-19)."""
    profile = profile.read_in(days.zone)
    if profile.counts:
        if stock == NO_STOCK:
            raise CountsAreStock(profile=profile.name)
        of_stock = CountAssembler if profile.makes == COUNT else MovementAssembler
        return of_stock(profile, shop)
    if stock == DECLARED and not profile.warehouse:
        raise NoWarehouse(profile=profile.name)
    made = ReturnAssembler if profile.makes == RETURN else OrderAssembler
    return made(profile, shop, stock=stock != NO_STOCK)
