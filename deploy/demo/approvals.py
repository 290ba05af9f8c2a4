"""SQL for the provincial approval system: the case tables up_pro_* and up_lic_data, and the licence decisions (双公示), with the dirt of the field."""
from generate import uscc

TIMES = "cd_operation varchar, data_source varchar, cd_batch varchar, cd_time timestamptz"
TABLES = {
    "up_pro_accept": "row_guid varchar PRIMARY KEY, project_no varchar, catalog_code varchar, task_code varchar, task_name varchar, applyer_name varchar, applyer_type varchar, "
                     "applyer_page_type varchar, applyer_page_code varchar, apply_date varchar, org_name varchar, org_code varchar, handle_user_name varchar, accept_date timestamp, "
                     "promise_date varchar, project_type varchar, " + TIMES,
    "up_pro_process": "row_guid varchar PRIMARY KEY, project_no varchar, task_code varchar, process_name varchar, process_date timestamp, process_result varchar, "
                      "handle_user_name varchar, org_name varchar, org_code varchar, " + TIMES,
    "up_pro_result": "row_guid varchar PRIMARY KEY, project_no varchar, task_code varchar, result_type varchar, result_date timestamp, result_cetr_name varchar, "
                     "result_cetr_no varchar, org_name varchar, org_code varchar, " + TIMES,
    "up_pro_special_procedure": "row_guid varchar PRIMARY KEY, project_no varchar, procedure_type varchar, procedure_name varchar, start_date timestamp, end_date timestamp, "
                                "reason varchar, org_name varchar, org_code varchar, " + TIMES,
    "up_pro_material": "row_guid varchar PRIMARY KEY, project_no varchar, material_name varchar, material_code varchar, material_form varchar, copies varchar, "
                       "submitted_at timestamp, org_name varchar, org_code varchar, " + TIMES,
    "up_lic_data": "row_guid varchar PRIMARY KEY, project_no varchar, licence_id varchar, licence_name varchar, licence_no varchar, holder_name varchar, holder_code varchar, "
                   "issued_on varchar, valid_from varchar, valid_to varchar, org_name varchar, org_code varchar, " + TIMES,
    # An older variant of the licence columns: xk_fddb, xk_fr_sfzh, xk_xdr_type.
    "xzxk": "xk_wsh varchar PRIMARY KEY, xk_xkjgdm varchar, xk_xdr_mc varchar, xk_xdr_type varchar, xk_xdr_shxym varchar, xk_xdr_gszc varchar, xk_xdr_zzjg varchar, "
            "xk_xdr_swdj varchar, xk_xdr_sydw varchar, xk_xdr_shzz varchar, xk_fddb varchar, xk_fr_zjlx varchar, xk_fr_sfzh varchar, xk_xdr_zjlx varchar, xk_xdr_zjhm varchar, "
            "xk_xkws varchar, xk_xklb varchar, xk_xkzs varchar, xk_xkbh varchar, xk_nr varchar, xk_jdrq varchar, xk_yxqz varchar, xk_yxqzi varchar, xk_xkjg varchar, "
            "xk_zt varchar, xk_lydw varchar, xk_lydwdm varchar, bz varchar, updated_at timestamptz",
}
# Table, dataset, source id, key, time column.
SOURCES = [
    ("up_pro_accept", "case_accept", "approval-accept", "row_guid", "cd_time"),
    ("up_pro_process", "case_process", "approval-process", "row_guid", "cd_time"),
    ("up_pro_result", "case_result", "approval-result", "row_guid", "cd_time"),
    ("up_pro_special_procedure", "case_special_procedure", "approval-special", "row_guid", "cd_time"),
    ("up_pro_material", "case_material", "approval-material", "row_guid", "cd_time"),
    ("up_lic_data", "licence_data", "approval-licence-data", "row_guid", "cd_time"),
    ("xzxk", "licence_decision", "approval-licence", "xk_wsh", "updated_at"),
]
PROVINCE = "云南省政务服务管理局"


def tables():
    """Statements that make the empty tables."""
    return "".join(f"CREATE TABLE {table} ({TABLES[table]}); CREATE INDEX ON {table} ({at}, {key});\n" for table, _, _, key, at in SOURCES)


def quote(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


class Approvals:
    def __init__(self, world, cases=4000):
        self.rng, self.people, self.rows = world.rng, world.people, {table: [] for table in TABLES}
        self.authorities = {}
        for i in range(cases):
            self.case(i)

    def add(self, table, *values):
        self.rows[table].append("(" + ",".join(map(quote, values)) + ")")

    def trace(self, i, at):
        """What every row of the exchange carries; operation words vary within one project."""
        operation = "D" if i % 401 == 400 else self.rng.choice(["I", "U", "insert", "update"])
        return operation, self.rng.choice(["省审批", "省审批_v3"]), f"b{i // 100}", at

    def case(self, i):
        rng = self.rng
        _, card, name, code, place, enterprise = rng.choice(self.people)
        counter, hall, task = code + "001" if i % 13 else code, f"{place}政务服务中心", "11530000MB1"
        if i % 307 == 0:
            counter, hall = rng.choice([None, "无"]), "政务服务中心"  # nothing says where
        number = f"{code}2026{i:06d}"
        identity = enterprise[0] if i % 17 == 0 else card[:6] + "************" if i % 89 == 0 else card
        self.add("up_pro_accept", f"g{i:06d}", number, "000100", task, "食品经营许可" if i % 2 else "社会保险登记", name, "自然人", "身份证", identity,
                 rng.choice(["2026-05-10 09:00:00", "2026/5/10 9:00", "1899-12-31", "N/A"]) if i % 41 == 0 else "2026-05-10 09:00:00", hall, counter, "李明",
                 "2026-05-10 10:00:00", "2099-12-31" if i % 29 == 0 else "2026-05-20 10:00:00", rng.choice(["承诺件", "即办件", "\\N"]), *self.trace(i, "2026-05-10 10:00:00"))
        for step, title in enumerate(["审查", "决定"] if i % 2 == 0 else []):
            self.add("up_pro_process", f"p{i:06d}-{step}", number, task, title, f"2026-05-1{1 + step} 15:00:00", rng.choice(["同意", "无", "\\N"]), "王芳", hall, counter,
                     *self.trace(i + step, f"2026-05-1{1 + step} 15:00:00"))
        if i % 2 == 0:
            self.add("up_pro_result", f"r{i:06d}", number, task, rng.choice(["出证", "办结", "不予许可"]), "2026-05-14 10:00:00", "食品经营许可证", f"JY{code}{i:06d}", hall, counter,
                     *self.trace(i, "2026-05-14 10:00:00"))
        if i % 20 == 0:
            self.add("up_pro_special_procedure", f"s{i:06d}", number, rng.choice(["专家评审", "听证", "检验检测"]), "现场核查", "2026-05-11 09:00:00", "2026-05-13 17:00:00", "法定程序",
                     hall, counter, *self.trace(i, "2026-05-13 17:00:00"))
        if i % 4 == 0:
            self.add("up_pro_material", f"m{i:06d}", number, "营业执照", "M0001", rng.choice(["电子", "纸质"]), rng.choice(["1", "2", "N/A"]), "2026-05-10 09:30:00", hall, counter,
                     *self.trace(i, "2026-05-10 09:30:00"))
        if i % 5 == 0:
            self.add("up_lic_data", f"l{i:06d}", number, f"1.2.156.3005.2.{i:06d}", "食品经营许可证", f"JY{code}{i:06d}", enterprise[1], enterprise[0],
                     rng.choice(["2026-05-14", "2026/5/14", "20260514"]), "2026-05-14", "2099-12-31", hall, counter, *self.trace(i, "2026-05-14 11:00:00"))
        if i % 3 == 0:
            self.decision(i, card, code, place, enterprise)

    def decision(self, i, card, code, place, enterprise):
        rng = self.rng
        authority = f"{('昆明市' if code.startswith('5301') else '') + place}市场监督管理局"
        self.authorities.setdefault(code, uscc(rng, code, "11"))
        natural = i % 33 == 0
        party = enterprise[0] + "、" + card if i % 117 == 0 else card if i % 51 == 0 else enterprise[0]  # USCC fields holding citizen numbers, or several codes
        self.add("xzxk", f"许可〔2026〕{i}号", self.authorities[code], enterprise[1], "自然人" if natural else "法人及非法人组织", None if natural else party,
                 "N/A" if i % 2 else f"5301001{i:08d}", "" if i % 7 else enterprise[0][8:17], "\\N", "无", "", "张三", "身份证", card, "身份证" if natural else "", card if natural else "",
                 "食品经营许可决定书", rng.choice(["普通", "登记", "认可"]), "食品经营许可证", f"JY{code}{i:06d}", "预包装食品销售", rng.choice(["2026-05-12", "2026/5/12", "20260512"]),
                 "2026/05/12", "2099/12/31", authority, rng.choice(["1", "有效"]), PROVINCE, "11530000MB1578219A", "", "2026-05-12 11:00:00")

    def sql(self):
        return tables() + "".join(f"INSERT INTO {table} VALUES {','.join(rows)};\n" for table, rows in self.rows.items())
