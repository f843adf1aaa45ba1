"""The posts that a shop's operating rules name, as data."""


POSTS: dict[str, tuple[str, str, str]] = {
    "shop_manager": ("店长", "shop manager", "manager"),
    "department_manager": ("部门经理", "department manager", "manager"),
    "general_manager": ("总经理", "general manager", "manager"),
    "duty_director": ("值班总监", "duty director", "manager"),
    "customer_service_head": ("客服主管", "head of customer service", "service"),
    "customer_service": ("客服", "customer service agent", "service"),
    "warehouse_head": ("仓库主管", "warehouse head", "warehouse_head"),
    "keeper": ("保管人", "keeper", "warehouse"),
    "receiver": ("收货员", "receiver", "warehouse"),
    "statistician": ("统计员", "statistician", "warehouse"),
    "quality_control": ("质检", "quality control", "warehouse"),
    "dispatcher": ("发货员", "dispatcher", "warehouse"),
    "factory_resident": ("驻厂", "factory resident", "purchasing"),
    "purchasing": ("采购", "purchasing", "purchasing"),
    "finance": ("财务", "finance", "finance"),
    "operations_specialist": ("运营专员", "operations specialist", "operations"),
    "promotion_specialist": ("推广专员", "promotion specialist", "operations"),
    "editor": ("编辑", "editor", "operations"),
    "copywriter": ("文案", "copywriter", "operations"),
    "designer": ("美工", "designer", "operations"),
    "trainer": ("培训", "trainer", "member"),
    "supervision": ("监督检查", "supervision", "auditor"),
    "appraisal_committee": ("考核委员会", "appraisal committee", "reviewer"),
}
"""Each post's name in Chinese and English, and the role of the keys of those who hold it."""


HEADS = {
    "customer_service_head": ("customer_service",),
    "warehouse_head": ("keeper", "receiver", "statistician", "quality_control", "dispatcher"),
}
"""The posts that a post heads: where no supervisor is set, its holders answer for theirs."""


COMMITTEE = "appraisal_committee"
"""Who grades the committee's sheet."""
