"""What columns of orders are called, in Chinese and English: what a draft of a profile knows."""

from typing import NamedTuple
from unicodedata import normalize


class Known(NamedTuple):
    """A field that a column of one of some names fills."""

    field: str
    kind: str
    names: str
    more: str = ""


KNOWN = (
    Known("number", "id", "订单号 订单编号 订单id 线上订单号 平台订单号 主订单编号 交易编号 "
          "单号 order orderid ordernumber orderno ordername reference", "required: true"),
    Known("shop", "text", "店铺 店铺名称 店铺名 shop store shopname storename"),
    Known("account", "text", "买家 买家账号 买家昵称 买家会员名 会员名 用户名 客户 buyer "
          "account customer buyername username buyeraccount", "personal: true"),
    Known("recipient", "text", "收货人 收货人姓名 收件人 收件人姓名 姓名 recipient consignee "
          "shippingname receiver name", "personal: true"),
    Known("phone", "text", "电话 手机 手机号 手机号码 联系电话 联系手机 收货人手机 收件人手机 "
          "phone mobile shippingphone telephone", "personal: true"),
    Known("province", "text", "省 省份 province"),
    Known("address", "text", "地址 收货地址 收件地址 详细地址 收货人地址 address "
          "shippingaddress street", "personal: true"),
    Known("buyer_remark", "text", "买家留言 买家备注 留言 buyerremark buyernote customernote",
          "personal: true"),
    Known("remark", "text", "备注 订单备注 卖家备注 商家备注 remark note notes", "personal: true"),
    Known("line", "id", "子订单编号 子订单号 行号 明细编号 line lineid lineno orderitemid"),
    Known("sku", "id", "sku 商品编码 商家编码 货号 规格编码 skuid 商品编号 skucode itemsku "
          "productcode lineitemsku stockcode"),
    Known("title", "text", "商品 商品名称 商品标题 宝贝标题 品名 名称 title product item "
          "productname itemname description lineitemname"),
    Known("attributes", "text", "商品属性 规格 颜色规格 商品规格 规格名称 attributes variant "
          "variation"),
    Known("quantity", "integer", "数量 商品数量 购买数量 件数 quantity qty pieces "
          "lineitemquantity", "required: true"),
    Known("price", "money", "单价 商品单价 价格 售价 unitprice price itemprice lineitemprice"),
    Known("amount", "money", "金额 商品金额 小计 行金额 amount linetotal subtotal itemtotal"),
    Known("postage", "money", "运费 邮费 快递费 postage shipping freight shippingfee"),
    Known("discount", "money", "优惠 折扣 优惠金额 discount discountamount"),
    Known("total", "money", "总金额 订单金额 订单总额 订单总金额 订单总价 应付金额 总价 合计金额 "
          "total ordertotal grandtotal"),
    Known("paid", "money", "实付 实付金额 实际支付金额 已付金额 买家实际支付金额 paid "
          "amountpaid paidamount"),
    Known("refund", "money", "退款 退款金额 已退款 refund refunded refundamount "
          "refundedamount"),
    Known("placed", "time", "下单时间 订单创建时间 创建时间 下单日期 拍下时间 placed placedat "
          "createdat orderdate ordertime orderedat ordered date created", "required: true"),
    Known("paid_at", "time", "付款时间 支付时间 订单付款时间 付款日期 paidat paymenttime "
          "paymentdate paidon datepaid"),
    Known("refunded_at", "time", "退款时间 退款日期 refundedat refundtime refunddate"),
    Known("dispatched", "time", "发货时间 发货日期 dispatchedat shippedat shiptime "
          "shipdate sentat datesent fulfilledat"),
    Known("delivered", "time", "签收时间 收货时间 确认收货时间 deliveredat deliverytime "
          "deliverydate"),
    Known("courier", "text", "快递 快递公司 物流公司 承运商 courier carrier"),
    Known("waybill", "id", "快递单号 物流单号 运单号 waybill trackingnumber tracking"),
    Known("payment", "id", "支付单号 支付宝交易号 交易号 paymentreference paymentid "
          "transactionid"),
)
"""The fields by what their columns are called. Of two columns of one field the first counts."""

ENDED = {
    "completed": "交易成功 已完成 完成 已签收 completed complete delivered finished",
    "cancelled": "已取消 取消 cancelled canceled voided",
    "closed": "交易关闭 已关闭 关闭 closed",
    "": "待付款 未付款 待发货 未发货 已付款 已发货 部分发货 发货中 待收货 等待买家付款 "
        "买家已付款等待卖家发货 卖家已发货等待买家确认 open pending paid unpaid processing "
        "shipped sent dispatched unfulfilled fulfilled new",
}
"""What words of a status mean."""

STATUS = "订单状态 状态 交易状态 status orderstatus"

_DROPPED = str.maketrans("", "", " _-./()（）,，、:：#")


def called(field: str) -> list[str]:
    """What columns of a field are called, as it is known."""
    return [name for known in KNOWN if known.field == field for name in known.names.split()]


def plain(name: str) -> str:
    """A name without what people write it in different ways with: case, width, blanks and marks."""
    return normalize("NFKC", name).casefold().translate(_DROPPED)


BY_NAME = {plain(name): known for known in reversed(KNOWN) for name in known.names.split()}
MEANING = {plain(word): meaning for meaning, words in ENDED.items() for word in words.split()}
STATUSES = frozenset(map(plain, STATUS.split()))
