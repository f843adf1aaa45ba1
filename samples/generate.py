"""Write the sample exports of an invented book shop, byte for byte the same on every run.

The shop sells about five hundred orders in August and September 2026 (China time). Each order
is first given a whole life: created, paid, dispatched, completed, closed, refunded. An export is
that life as seen at one moment, which is why an order that was still open at the end of August
shows a newer status in the export of September.

    python samples/generate.py             writes samples/taobao/ and samples/broken/
    python samples/generate.py --totals    reads samples/taobao/ back and prints control totals

samples/README.md says how the columns relate.
"""

import argparse
import csv
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

SEED = 20260801
ORDERS = 500
BUYERS = 350
SHOP = "栖墨图书旗舰店"
START = datetime(2026, 8, 1)
AUGUST_END = datetime(2026, 8, 31, 23, 59, 59)
END = datetime(2026, 9, 30, 23, 59, 59)
OVERLAP_FROM = datetime(2026, 8, 25)  # the September export repeats orders created from here on


def words(text: str, between: str | None = None) -> list[str]:
    """A list written as one text, which is easier to read where there are many short names."""
    return text.split(between)


UNPAID, PAID = "等待买家付款", "买家已付款，等待卖家发货"
SENT, DONE, CLOSED = "卖家已发货，等待买家确认", "交易成功", "交易关闭"

# The trailing blanks in some names are the platform's own.
ORDER_HEADER = words(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,"
    "返点积分,买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,"
    "运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,"
    "物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,"
    "发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,"
    "是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,"
    "是否是O2O交易,新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,"
    "新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,含应开票给个人的个人红包",
    ",",
)
ITEM_HEADER = words(
    "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码", ","
)

# One SKU a line: merchant code | title | edition | price in fen.
CATALOGUE = """\
QM-WX101-P|《潮汐抄写员》长篇小说|平装|4580
QM-WX101-J|《潮汐抄写员》长篇小说|精装|7800
QM-WX102-P|《纸灯笼巷七号》短篇集,附手绘街巷图|平装|3980
QM-WX103-P|《盐湖来信》书信体小说|平装|4200
QM-WX104-P|《晾衣绳上的星期三》散文集|平装|3650
QM-WX105-P|《南窗漏雨记》散文集|平装|3800
QM-WX105-J|《南窗漏雨记》散文集|精装|6800
QM-WX106-P|《北纬三十一度的面馆》长篇小说|平装|4900
QM-WX107-P|《哑巴钟表匠》中篇小说集|平装|3500
QM-WX108-P|《苔痕与站台》诗集,双色印刷|平装|3280
QM-WX109-P|《失物招领处的灰猫》长篇小说|平装|4400
QM-WX110-P|《二十四封退信》短篇集|平装|3900
QM-TS201-J|《小刺猬借雨伞》绘本,3-6岁|精装|2980
QM-TS202-J|《月亮的纽扣掉了》绘本,3-6岁|精装|3980
QM-TS203-Z|《咕噜噜小厨房》撕不烂纸板书|纸板|2480
QM-TS204-T|《豆芽镇的四季》绘本套装|全四册|9960
QM-TS205-P|《会打嗝的火车头》注音版|平装|1980
QM-TS206-P|《风筝邮递员》注音版|平装|2180
QM-TS207-T|《石头山探险队》儿童小说|全三册|7500
QM-TS208-J|《一百个为什么下雨》翻翻书|精装|5800
QM-TS209-P|《数数看,菜市场》认知启蒙|平装|1680
QM-TS210-J|《外婆的铁皮盒》绘本|精装|4280
QM-KX301-P|《厨房里的热力学》科普读物|平装|4980
QM-KX302-P|《一滴水的远行》水循环科普|平装|3900
QM-KX303-J|《楼顶观星手册》附星图|精装|8800
QM-KX304-P|《虫子的建筑学》科普读物|平装|4500
QM-KX305-P|《为什么走廊会有回声》声学趣谈|平装|4280
QM-KX306-J|《苔藓小图鉴》全彩印刷|精装|9800
QM-KX307-P|《算盘之后》计算简史|平装|5200
QM-KX308-T|《少年实验室》动手做科普|全二册|6980
QM-LS401-P|《运河边的账本》地方史随笔|平装|4800
QM-LS401-J|《运河边的账本》地方史随笔|精装|8200
QM-LS402-P|《驿路三千里》交通史话|平装|5600
QM-LS403-P|《瓷片上的鱼》民间工艺史|平装|5900
QM-LS404-P|《一条街的七十年》口述史|平装|4680
QM-LS405-J|《旧地图里的城门》图文集|精装|12800
QM-LS406-P|《盐与茶的路》经济史小书|平装|4300
QM-SH501-P|《阳台种菜日历》生活指南|平装|3980
QM-SH502-P|《一人一锅》家常菜谱,六十道|平装|4580
QM-SH503-P|《收纳不必买盒子》家居整理|平装|3680
QM-SH504-P|《慢慢缝》手工布艺入门|平装|4980
QM-SH505-P|《骑车去看海》旅行手记|平装|4200
QM-SH506-P|《早睡的一千种方法》健康随笔|平装|3580
QM-SH507-J|《茶事手账》附空白记录页|精装|6600
QM-JF601-P|《课堂笔记这样记》初中适用|平装|2680
QM-JF602-P|《每天一道应用题》三年级|平装|1880
QM-JF603-P|《每天一道应用题》四年级|平装|1880
QM-JF604-P|《每天一道应用题》五年级|平装|1980
QM-JF605-T|《古诗文慢读》小学版|全二册|5600
QM-JF606-P|《硬笔楷书入门》描红练习|平装|1580
QM-JF607-P|《英文书信一百篇》高中适用|平装|3280
QM-JF608-P|《错题本的用法》学习方法|平装|2980
QM-SG701-P|《门市经营十二讲》小店管理|平装|5200
QM-SG702-P|《读懂一张对账单》财务入门|平装|4800
QM-SG703-P|《仓库里的算术》库存管理|平装|5500
QM-SG704-P|《把话说短》沟通与写作|平装|3980
QM-YS801-J|《水彩里的巷子》绘画教程|精装|7200
QM-YS802-P|《竹笛三十课》音乐自学|平装|4600
QM-YS803-J|《木刻小品》版画集|精装|11800
QM-YS804-P|《镜头外的雨天》摄影随笔|平装|5400"""

# Provinces, cities and districts exist; the roads and estates below do not.
PLACES = words(
    "浙江省 杭州市 西湖区,浙江省 宁波市 鄞州区,浙江省 温州市 鹿城区,江苏省 南京市 鼓楼区,"
    "江苏省 苏州市 吴中区,江苏省 无锡市 滨湖区,上海 上海市 浦东新区,上海 上海市 杨浦区,"
    "北京 北京市 海淀区,北京 北京市 朝阳区,天津 天津市 南开区,广东省 广州市 天河区,"
    "广东省 深圳市 南山区,广东省 佛山市 禅城区,福建省 厦门市 思明区,福建省 福州市 仓山区,"
    "四川省 成都市 武侯区,四川省 绵阳市 涪城区,重庆 重庆市 渝北区,湖北省 武汉市 洪山区,"
    "湖南省 长沙市 岳麓区,江西省 南昌市 青山湖区,安徽省 合肥市 包河区,河南省 郑州市 金水区,"
    "河北省 石家庄市 裕华区,山东省 济南市 历下区,山东省 青岛市 市北区,山西省 太原市 小店区,"
    "陕西省 西安市 雁塔区,甘肃省 兰州市 城关区,辽宁省 沈阳市 和平区,辽宁省 大连市 甘井子区,"
    "吉林省 长春市 朝阳区,黑龙江省 哈尔滨市 南岗区,云南省 昆明市 五华区,贵州省 贵阳市 云岩区,"
    "广西壮族自治区 南宁市 青秀区,海南省 海口市 龙华区,内蒙古自治区 呼和浩特市 赛罕区,"
    "新疆维吾尔自治区 乌鲁木齐市 天山区,西藏自治区 拉萨市 城关区",
    ",",
)
REMOTE = ("内蒙古", "新疆", "西藏", "海南")
ROADS = words("拾穗路 青禾街 石榴籽巷 听雨里 砚台路 云雀街 半亩塘路 芦花道 旧钟楼巷 纸鸢路")
ESTATES = words("青禾苑 听雨花园 砚池小区 芦花新村 拾穗公寓 云雀台 半亩塘家园 纸鸢里")
SURNAMES = "俞纪程陆邵骆温贺姚童施柯岑裴倪尹章卢乔祝"
GIVEN = ("知予书亦清沐若星晚闻", "禾安遥舟宁溪棠屿朗微")
NICKS = (
    words("竹影 墨痕 晚灯 半糖 山月 旧信 白露 灯下 橘子 海盐"),
    words("书虫 小屋 旅人 慢读 妈妈 同学 先生 笔记 茶客 阁楼"),
)
COURIERS = (
    ("中通快递", "ZT0000"),
    ("圆通速递", "YT0000"),
    ("韵达快递", "YD0000"),
    ("申通快递", "ST0000"),
    ("邮政快递包裹", "YZ0000"),
)
BUYER_NOTES = (
    "请发新书,不要有折角",
    "送人的,麻烦包好一点",
    "尽快发货,孩子开学要用",
    "放驿站就行",
    "不要发邮政,收不到",
    "能不能开发票,抬头写个人",
    "周末再送,平时没人",
)
SELLER_NOTES = (
    "已与买家确认地址,按原地址发",
    "加赠书签一枚",
    "买家要求包两层,已告知仓库",
    "发中通,备注易损",
    "老顾客,附感谢卡",
)
HOURS = (4, 2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 11, 11, 11, 11, 11, 11, 10, 9, 11, 15, 17, 14, 8)


@dataclass(frozen=True)
class Book:
    """One SKU: a title in one edition, with the price before any order discount."""

    code: str
    title: str
    edition: str
    price: int


@dataclass(frozen=True)
class Buyer:
    """An invented buyer; the four digits of `tail` end each of the buyer's order numbers."""

    nick: str
    alipay: str
    name: str
    mobile: str
    phone: str
    address: str
    tail: int


@dataclass(frozen=True)
class Line:
    """Pieces of one SKU in an order; `coded` is false where the shop forgot the merchant code."""

    book: Book
    quantity: int
    coded: bool


@dataclass(frozen=True)
class Order:
    """The whole life of an order; moments that never come are None, amounts are in fen."""

    number: int
    buyer: Buyer
    lines: tuple[Line, ...]
    postage: int
    discount: int
    points: int
    created: datetime
    paid: datetime | None
    dispatched: datetime | None
    completed: datetime | None
    closed: datetime | None
    refunded: datetime | None
    refund: int
    courier: tuple[str, str]
    buyer_note: str
    seller_note: str
    new_address: str
    by_phone: bool
    invoice: str
    slashed: bool
    with_yuan: bool

    @property
    def goods(self) -> int:
        """The sum of price times quantity over the lines, before any discount."""
        return sum(line.book.price * line.quantity for line in self.lines)

    @property
    def total(self) -> int:
        """What the buyer has to pay: goods and postage less the discount."""
        return self.goods + self.postage - self.discount

    def status(self, at: datetime) -> str:
        """The status word that the back office showed at that moment."""
        reached = [
            (self.closed, CLOSED),
            (self.completed, DONE),
            (self.dispatched, SENT),
            (self.paid, PAID),
        ]
        return next((word for when, word in reached if when and when <= at), UNPAID)


def catalogue() -> list[Book]:
    """The SKUs of the shop, in the order listed above."""
    rows = (line.split("|") for line in CATALOGUE.splitlines())
    return [Book(code, title, edition, int(price)) for code, title, edition, price in rows]


def make_buyer(rng: random.Random, serial: int) -> Buyer:
    """A buyer whose telephone numbers reach nobody and whose mailbox cannot exist.

    The prefix 154 was assigned to no operator when this was written, no local number begins with
    zero, and example.com is reserved for examples.
    """
    name = rng.choice(SURNAMES) + rng.choice(
        (rng.choice(GIVEN[0]) + rng.choice(GIVEN[1]), rng.choice(("女士", "先生", "老师")))
    )
    place = f"{rng.choice(PLACES)} {rng.choice(ROADS)}{rng.randint(1, 299)}号"
    comma = rng.choice((",", ""))
    home = f"{rng.choice(ESTATES)}{rng.randint(1, 28)}幢{rng.randint(1, 4)}单元"
    mobile = f"1540000{serial:04d}"
    return Buyer(
        nick=f"{rng.choice(NICKS[0])}{rng.choice(NICKS[1])}_q{serial:04d}",
        alipay=rng.choice((mobile, f"q{serial:04d}@example.com")),
        name=name,
        mobile=mobile,
        phone=f"0571-0000{serial:04d}" if rng.random() < 0.06 else "",
        address=f"{place}{comma}{home}{rng.randint(1, 18)}0{rng.randint(1, 4)}室(000000)",
        tail=rng.randrange(10_000),
    )


def make_lines(rng: random.Random, books: Sequence[Book]) -> tuple[Line, ...]:
    """One to four lines, mostly of single pieces; now and then the same line appears twice."""
    count = rng.choices((1, 2, 3, 4), (58, 25, 12, 5))[0]
    popular = [3 if place % 7 == 0 else 1 for place in range(len(books))]
    chosen = dict.fromkeys(rng.choices(books, popular, k=count))
    lines = [
        Line(book, rng.choices((1, 2, 3, 5), (88, 8, 3, 1))[0], rng.random() > 0.02)
        for book in chosen
    ]
    if len(lines) < 4 and rng.random() < 0.03:
        lines.append(lines[0])
    return tuple(lines)


def make_discount(rng: random.Random, goods: int) -> tuple[int, int]:
    """The whole discount and the points in it: money off by amount, a coupon, points."""
    points = 20 * rng.randint(5, 40) if rng.random() < 0.06 else 0
    coupon = rng.choice((300, 500)) if goods >= 3900 and rng.random() < 0.2 else 0
    rebate = 2500 if goods >= 19900 else 800 if goods >= 9900 else 0
    return rebate + coupon + points, points


def make_order(
    rng: random.Random, books: Sequence[Book], buyer: Buyer, created: datetime, fate: str
) -> Order:
    """An order of a buyer; fate is one of plain, unpaid, waiting, full or part."""
    lines = make_lines(rng, books)
    goods = sum(line.book.price * line.quantity for line in lines)
    discount, points = make_discount(rng, goods)
    postage = 0 if goods - discount >= 5900 else 600
    if buyer.address.startswith(REMOTE):
        postage = 1500
    number = 994 * 10**15 + int((created - START).total_seconds()) * 3 * 10**9
    number += rng.randrange(300_000) * 10_000 + buyer.tail

    paid = dispatched = completed = closed = refunded = None
    refund = 0
    if fate in ("unpaid", "waiting"):
        minutes = 1440 if fate == "waiting" else rng.choice((1440, 1440, rng.randint(3, 300)))
        closed = created + timedelta(minutes=minutes)
    else:
        seconds = rng.choices(
            (rng.randint(15, 600), rng.randint(600, 9000), rng.randint(9000, 70000)), (82, 14, 4)
        )[0]
        paid = created + timedelta(seconds=seconds)
        day = datetime.combine(paid.date(), datetime.min.time())
        day += timedelta(days=rng.choices((1, 2), (93, 7))[0])
        dispatched = day + timedelta(seconds=rng.randint(14 * 3600, 18 * 3600))
        completed = dispatched + timedelta(seconds=rng.randint(3 * 86400, 10 * 86400))
    if fate == "full" and paid and dispatched:
        refund, completed = goods + postage - discount, None
        if rng.random() < 0.5:
            refunded, dispatched = paid + timedelta(minutes=rng.randint(10, 360)), None
        else:
            refunded = dispatched + timedelta(seconds=rng.randint(5 * 86400, 9 * 86400))
        closed = refunded
    elif fate == "part" and dispatched:
        refund = rng.choice((500, 800, 1000, min(line.book.price for line in lines) // 2))
        arrived = dispatched + timedelta(seconds=rng.randint(3 * 86400, 5 * 86400))
        later = arrived + timedelta(seconds=rng.randint(3600, 3 * 86400))
        completed, refunded = (arrived, later) if rng.random() < 0.5 else (later, arrived)
    return Order(
        number,
        buyer,
        lines,
        postage,
        discount,
        points,
        created,
        paid,
        dispatched,
        completed,
        closed,
        refunded,
        refund,
        courier=rng.choice(COURIERS),
        buyer_note=rng.choice(BUYER_NOTES) if rng.random() < 0.14 else "",
        seller_note=rng.choice(SELLER_NOTES) if rng.random() < 0.12 else "",
        new_address=make_buyer(rng, 0).address if rng.random() < 0.015 else "",
        by_phone=rng.random() < 0.8,
        invoice="个人" if rng.random() < 0.05 else "",
        slashed=rng.random() < 0.09,
        with_yuan=rng.random() < 0.04,
    )


def make_orders(rng: random.Random) -> list[Order]:
    """All orders by time; most are placed in the weeks around the first of September."""
    days = [START + timedelta(days=day) for day in range((END - START).days + 1)]
    weights = [16 if 25 <= day <= 37 else 10 for day in range(len(days))]
    times = sorted(
        day + timedelta(hours=rng.choices(range(24), HOURS)[0], seconds=rng.randrange(3600))
        for day in rng.choices(days, weights, k=ORDERS)
    )
    buyers = [make_buyer(rng, serial) for serial in range(1, BUYERS + 1)]
    regulars = rng.sample(buyers, 70)
    customers = buyers + rng.choices(regulars, k=ORDERS - BUYERS)
    rng.shuffle(customers)

    fates = ["plain"] * ORDERS
    last_of_august = max(place for place, when in enumerate(times) if when <= AUGUST_END)
    for place in (last_of_august - 1, last_of_august, ORDERS - 2, ORDERS - 1):
        fates[place] = "waiting"
    early = [
        place
        for place, when in enumerate(times)
        if when < datetime(2026, 9, 17) and fates[place] == "plain"
    ]
    special = ["unpaid"] * 28 + ["full"] * 18 + ["part"] * 18
    for place, fate in zip(rng.sample(early, len(special)), special, strict=True):
        fates[place] = fate
    books = catalogue()
    return [
        make_order(rng, books, customer, when, fate)
        for customer, when, fate in zip(customers, times, fates, strict=True)
    ]


def yuan(fen: int, sign: str = "") -> str:
    """An amount as the export prints it, such as 35.00 or 35.00元."""
    return f"{fen // 100}.{fen % 100:02d}{sign}"


def moment(when: datetime | None, at: datetime, slashed: bool) -> str:
    """A time as the export prints it; a row once saved by a spreadsheet has lost its seconds."""
    if when is None or when > at:
        return ""
    if slashed:
        return f"{when.year}/{when.month}/{when.day} {when.hour}:{when.minute:02d}"
    return when.strftime("%Y-%m-%d %H:%M:%S")


def formula(text: str) -> str:
    """A number as the export protects it from spreadsheets: ="123"."""
    return f'="{text}"'


def order_row(order: Order, at: datetime) -> list[str]:
    """The order list's row of an order, as exported at that moment."""
    buyer, status = order.buyer, order.status(at)
    is_paid = order.paid is not None and order.paid <= at
    is_sent = order.dispatched is not None and order.dispatched <= at
    refund = order.refund if order.refunded and order.refunded <= at else 0
    net = order.total - refund if is_paid else 0
    sign = "元" if order.with_yuan else ""
    number = order.number
    cells = {
        "订单编号": formula(str(number)),
        "买家会员名": buyer.nick,
        "买家支付宝账号": buyer.alipay,
        "买家应付货款": yuan(order.goods),
        "买家应付邮费": yuan(order.postage),
        "买家支付积分": str(order.points),
        "总金额": yuan(order.total, sign),
        "返点积分": str(net // 200 if status == DONE else 0),
        "买家实际支付金额": yuan(net, sign),
        "买家实际支付积分": str(order.points if is_paid else 0),
        "订单状态": status,
        "买家留言": order.buyer_note,
        "收货人姓名": buyer.name,
        "收货地址 ": buyer.address,
        "运送方式": "快递",
        "联系电话 ": buyer.phone,
        "联系手机": f"'{buyer.mobile}",
        "订单创建时间": moment(order.created, at, order.slashed),
        "订单付款时间 ": moment(order.paid, at, order.slashed),
        "宝贝标题 ": ",".join(dict.fromkeys(line.book.title for line in order.lines)),
        "宝贝种类 ": str(len(order.lines)),
        "物流单号 ": f"{order.courier[1]}{number // 10_000 % 10**9:09d}" if is_sent else "",
        "物流公司": order.courier[0] if is_sent else "",
        "订单备注": order.seller_note if is_paid else "",
        "宝贝总数量": str(sum(line.quantity for line in order.lines)),
        "店铺Id": "0",
        "店铺名称": SHOP,
        "订单关闭原因": ("退款" if is_paid else "买家未付款") if status == CLOSED else "订单未关闭",
        "卖家服务费": "0",
        "买家服务费": "0元",
        "发票抬头": order.invoice,
        "是否手机订单": "手机订单" if order.by_phone else "",
        "特权订金订单id": formula(""),
        "是否上传合同照片": "否",
        "是否上传小票": "否",
        "是否代付": "否",
        "修改后的收货地址": order.new_address if is_paid else "",
        "退款金额": yuan(refund),
        "确认收货时间": moment(order.completed, at, order.slashed),
        "打款商家金额": yuan(net if status == DONE else 0, "元"),
    }
    return [cells.get(column, "") for column in ORDER_HEADER]


def item_rows(order: Order, at: datetime) -> list[list[str]]:
    """The item list's rows of an order, as exported at that moment."""
    paid = order.paid is not None and order.paid <= at
    rows = []
    for line in order.lines:
        code = line.book.code if line.coded else ""
        rows.append(
            [
                formula(str(order.number)),
                line.book.title,
                yuan(line.book.price),
                str(line.quantity),
                code,
                f"版本：{line.book.edition}",
                "",
                order.seller_note if paid else "",
                order.status(at),
                code,
            ]
        )
    return rows


def encode(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """GBK with CRLF and every cell quoted, except for the formulas."""

    def cell(text: str) -> str:
        return text if text.startswith('="') else '"' + text.replace('"', '""') + '"'

    return "".join(",".join(map(cell, row)) + "\r\n" for row in (header, *rows)).encode("gbk")


def taobao_files(orders: Sequence[Order]) -> dict[str, bytes]:
    """Both lists at the end of both months, newest order first, with the overlap of rows."""
    open_after_august = {
        order.number for order in orders if order.status(AUGUST_END) not in (DONE, CLOSED)
    }
    months = {
        "202608312359": (AUGUST_END, [o for o in orders if o.created <= AUGUST_END]),
        "202609302359": (
            END,
            [o for o in orders if o.created >= OVERLAP_FROM or o.number in open_after_august],
        ),
    }
    files = {}
    for stamp, (at, part) in months.items():
        part = part[::-1]
        files[f"ExportOrderList{stamp}.csv"] = encode(
            ORDER_HEADER, [order_row(order, at) for order in part]
        )
        files[f"ExportOrderDetailList{stamp}.csv"] = encode(
            ITEM_HEADER, [row for order in part for row in item_rows(order, at)]
        )
    return files


def broken_files(rng: random.Random) -> dict[str, bytes]:
    """Order lists of five orders each, none of them in the exports, each with one kind of fault."""
    books = catalogue()
    good = [
        order_row(
            make_order(
                rng,
                books,
                make_buyer(rng, 9000 + day),
                START + timedelta(days=day, hours=10, minutes=7),
                "plain",
            ),
            END,
        )
        for day in range(5)
    ]

    def spoil(*faults: tuple[int, str, str]) -> bytes:
        rows = [list(row) for row in good]
        for row, column, value in faults:
            rows[row][ORDER_HEADER.index(column)] = value
        return encode(ORDER_HEADER, rows)

    gap = ORDER_HEADER.index("总金额")
    mark = "此处有误"
    whole = encode(ORDER_HEADER, good)
    return {
        "mangled-ids.csv": spoil(
            (0, "订单编号", "9.94E+17"), (2, "订单编号", "1.23E+17"), (3, "订单编号", "9.94123E+17")
        ),
        "unknown-status.csv": spoil((1, "订单状态", "待买家上门自提"), (3, "订单状态", "处理中")),
        "bad-money.csv": spoil(
            (0, "总金额", "三十五元"),
            (1, "总金额", "-35.00"),
            (2, "买家应付货款", "35.005"),
            (3, "退款金额", "abc"),
        ),
        "bad-dates.csv": spoil(
            (0, "订单创建时间", "2026-02-30 10:00:00"),
            (1, "订单创建时间", "2026/13/5 9:12"),
            (2, "订单创建时间", "昨天下午"),
            (3, "订单付款时间 ", "2026-09-31 08:00:00"),
        ),
        "wrong-encoding.csv": spoil((2, "买家留言", mark)).replace(mark.encode("gbk"), b"\xff\xfe"),
        "missing-column.csv": encode(
            [*ORDER_HEADER[:gap], *ORDER_HEADER[gap + 1 :]],
            [[*row[:gap], *row[gap + 1 :]] for row in good],
        ),
        "nul-and-surrogates.csv": spoil(
            (1, "买家留言", "请尽快\0发货"), (3, "买家留言", "谢谢\\ud83d\\ude00")
        ),
        "truncated.csv": whole[: whole.rindex("(000000)".encode("gbk"))],
    }


def read_list(path: Path) -> list[dict[str, str]]:
    """The rows of a written list, without protections, blanks in the header, and 元."""
    with path.open(encoding="gbk", newline="") as text:
        return [
            {key.strip(): value.strip('="').removesuffix("元") for key, value in row.items()}
            for row in csv.DictReader(text)
        ]


def fen(text: str) -> int:
    """A printed amount such as 35.00 in fen."""
    whole, cents = text.split(".")
    return int(whole) * 100 + int(cents)


def by_order(items: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Item rows grouped by the number of their order."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in items:
        groups.setdefault(row["订单编号"], []).append(row)
    return groups


def totals(folder: Path) -> str:
    """Control totals of the written exports; where an order appears twice, the later row counts."""
    lists = [read_list(path) for path in sorted(folder.glob("ExportOrderList*.csv"))]
    details = [read_list(path) for path in sorted(folder.glob("ExportOrderDetailList*.csv"))]
    seen = [{row["订单编号"]: row for row in rows} for rows in lists]
    both = seen[0].keys() & seen[1].keys()
    orders = {**seen[0], **seen[1]}
    numbers = [{row["订单编号"] for row in rows} for rows in details]
    items = [row for row in details[0] if row["订单编号"] not in numbers[1]] + details[1]
    goods: Counter[str] = Counter()
    for row in items:
        goods[row["订单编号"]] += fen(row["价格"]) * int(row["购买数量"])
    differing = sum(goods[number] != fen(row["买家应付货款"]) for number, row in orders.items())

    def sum_of(column: str, rows: Iterable[dict[str, str]]) -> int:
        return sum(fen(row[column]) for row in rows)

    every = list(orders.values())
    paid = [row for row in every if row["订单付款时间"]]
    refunded = [row for row in every if fen(row["退款金额"])]
    full = [row for row in refunded if fen(row["退款金额"]) == fen(row["总金额"])]
    goods_fen, postage_fen, total_fen = (
        sum_of(column, every) for column in ("买家应付货款", "买家应付邮费", "总金额")
    )
    net_fen, refund_fen = sum_of("买家实际支付金额", paid), sum_of("退款金额", paid)
    changed = sum(seen[0][number] != seen[1][number] for number in both)
    figures: list[tuple[str, object]] = [
        ("rows of the order lists", " + ".join(str(len(rows)) for rows in lists)),
        ("rows of the item lists", " + ".join(str(len(rows)) for rows in details)),
        ("orders in both months", f"{len(both)}, of them changed {changed}"),
        ("orders", len(orders)),
        ("buyer accounts", len({row["买家会员名"] for row in every})),
        ("unpaid orders", len(every) - len(paid)),
        ("paid orders", len(paid)),
        ("refunded orders", len(refunded)),
        ("fully refunded orders", len(full)),
        ("goods, fen", goods_fen),
        ("postage, fen", postage_fen),
        ("discount, fen", goods_fen + postage_fen - total_fen),
        ("total, fen", total_fen),
        ("total of paid orders, fen", sum_of("总金额", paid)),
        ("paid, fen", net_fen + refund_fen),
        ("refunded, fen", refund_fen),
        ("paid less refunded, fen", net_fen),
        ("item lines", len(items)),
        ("pieces", sum(int(row["购买数量"]) for row in items)),
        ("SKUs", len({row["商家编码"] for row in items} - {""})),
        ("lines without merchant code", sum(not row["商家编码"] for row in items)),
        (
            "orders with twin lines",
            sum(
                len({tuple(row.values()) for row in group}) < len(group)
                for group in by_order(items).values()
            ),
        ),
        ("orders whose lines differ from goods", differing),
        *(
            (f"status {word}", count)
            for word, count in sorted(Counter(row["订单状态"] for row in every).items())
        ),
    ]
    return "\n".join(f"{name}: {value}" for name, value in figures)


def main() -> None:
    """Write all files, or print the control totals of those already written."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Write the sample exports of a book shop.")
    parser.add_argument("--totals", action="store_true", help="print control totals and stop")
    parser.add_argument("--into", type=Path, default=here, help="folder (default: samples/)")
    arguments = parser.parse_args()
    if arguments.totals:
        print(totals(arguments.into / "taobao"))
        return
    files = {
        "taobao": taobao_files(make_orders(random.Random(SEED))),
        "broken": broken_files(random.Random(SEED + 1)),
    }
    for folder, contents in files.items():
        target = arguments.into / folder
        target.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (target / name).write_bytes(content)


if __name__ == "__main__":
    main()
