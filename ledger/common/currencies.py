"""The currencies that amounts can be in, and how many decimals the minor unit of each has.

Sums are stored as whole minor units, so this table is a part of the log's format: the number of a
currency that stands here never changes. A currency that is new in ISO 4217 may be added.
"""

from ledger.common.values import Checks, quoted

_WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITH_2 = """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ
GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD
MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"""
_WITH_3 = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS = {code: exponent for exponent, codes in ((0, _WITHOUT), (2, _WITH_2), (3, _WITH_3))
             for code in codes.split()}
"""Decimals of the minor unit by ISO 4217 code: an amount is minor / 10**exponent."""


def check_currency(checks: Checks, where: str, value: object) -> None:
    """Note what is not a currency of the table."""
    if not (isinstance(value, str) and value in EXPONENTS):
        checks.fault(where, "not_currency",
                     f"is {quoted(value)}, not a currency of ISO 4217 such as CNY")
