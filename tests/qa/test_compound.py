"""Questions that ask several things: the parts that each is made of, and what is no such question."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer, to_simplified
from qa.compound import LONGEST, MOST_PARTS, parts

SHARED = Path(__file__).parents[3] / "shared"

JOINED = """
第一人民医院去年新增了多少张床位？它的院长是谁？
    第一人民医院去年新增了多少张床位？
    第一人民医院的院长是谁？
谁发明了造纸术？他是哪里人？
    谁发明了造纸术？
    发明了造纸术的人是哪里人？
图书馆几点开门？几点关门？
    图书馆几点开门？
    图书馆几点关门？
新建的体育馆花了多少钱，能坐多少人？
    新建的体育馆花了多少钱？
    新建的体育馆能坐多少人？
故宫是哪一年建成的，由谁主持修建？
    故宫是哪一年建成的？
    故宫由谁主持修建？
郑和下西洋一共几次？最远到了哪里？
    郑和下西洋一共几次？
    郑和下西洋最远到了哪里？
教育局的预算是多少？卫生局呢？
    教育局的预算是多少？
    卫生局的预算是多少？
2021年招了多少学生？2022年呢？
    2021年招了多少学生？
    2022年招了多少学生？
这所学校有多少名教师，其中高级教师有几名？
    这所学校有多少名教师？
    这所学校其中高级教师有几名？
社保卡在哪里办？需要带什么材料？多久能拿到？
    社保卡在哪里办？
    社保卡需要带什么材料？
    社保卡多久能拿到？
唐太宗在位多少年？他的继承人是谁？
    唐太宗在位多少年？
    唐太宗的继承人是谁？
王安石为什么变法，变法的结果如何？
    王安石为什么变法？
    王安石变法的结果如何？
县医院去年接诊多少人次，今年计划接诊多少人次？
    县医院去年接诊多少人次？
    县医院今年计划接诊多少人次？
课后服务的收费标准是多少？由谁监督？
    课后服务的收费标准是多少？
    课后服务的收费标准由谁监督？
住院部有多少张床位？门诊部呢？
    住院部有多少张床位？
    门诊部有多少张床位？
开幕式在哪里举行，闭幕式在哪里举行？
    开幕式在哪里举行？
    闭幕式在哪里举行？
鲁迅原名叫什么？他的弟弟是谁？
    鲁迅原名叫什么？
    鲁迅的弟弟是谁？
张仲景写了哪本书？他在哪里做官？
    张仲景写了哪本书？
    张仲景在哪里做官？
辛亥革命爆发于哪一年？领导人是谁？爆发地在哪里？
    辛亥革命爆发于哪一年？
    辛亥革命领导人是谁？
    辛亥革命爆发地在哪里？
谁是校长？什么时候上任的？
    谁是校长？
    校长什么时候上任的？
这个项目投资多少，什么时候完工，由谁负责，有什么意义，谁批准的？
    这个项目投资多少？
    这个项目投资什么时候完工？
    这个项目投资由谁负责？
    这个项目投资有什么意义？
小儿科有几位医生？内科有几位？
    小儿科有几位医生？
    内科有几位？
这所小学的校长是谁？她教过什么课？
    这所小学的校长是谁？
    这所小学的校长教过什么课？
两会期间，代表提了多少建议？委员提了多少提案？
    两会期间，代表提了多少建议？
    两会期间，委员提了多少提案？
汉武帝什么时候即位，他派谁出使西域？
    汉武帝什么时候即位？
    汉武帝派谁出使西域？
我们学校今年招生多少人，去年又招了多少人？
    我们学校今年招生多少人？
    我们学校去年又招了多少人？
该项目由谁投资？总额多少？
    该项目由谁投资？
    该项目的总额多少？
地铁1号线有多长？2号线呢？
    地铁1号线有多长？
    2号线有多长？
哪家医院最早开设夜间门诊？哪所学校最早开设晚托班？
    哪家医院最早开设夜间门诊？
    哪所学校最早开设晚托班？
为什么要建新区，新区在哪里？
    为什么要建新区？
    新区在哪里？
县一中今年考上重点大学的有多少人，县二中呢？
    县一中今年考上重点大学的有多少人？
    县二中今年考上重点大学的有多少人？
体检中心周末开放吗？需要提前预约吗？
    体检中心周末开放吗？
    体检中心需要提前预约吗？
科举制是谁创立的？什么时候废除的？
    科举制是谁创立的？
    科举制什么时候废除的？
门诊楼有几层，住院楼有几层？
    门诊楼有几层？
    住院楼有几层？
张骞第一次出使西域用了多少年？第二次呢？
    张骞第一次出使西域用了多少年？
    张骞第二次出使西域用了多少年？
校医室在哪栋楼？几点下班？
    校医室在哪栋楼？
    校医室几点下班？
中医院的院长是谁，副院长有几位？
    中医院的院长是谁？
    中医院的副院长有几位？
营养餐每份多少钱？由哪家公司供应？
    营养餐每份多少钱？
    营养餐由哪家公司供应？
社区卫生中心有几名全科医生，又签约了多少户家庭？
    社区卫生中心有几名全科医生？
    社区卫生中心签约了多少户家庭？
"""
"""Questions one behind the other; what the later ones leave unsaid comes from the first."""

EACH = """
政府、群众和商家三方各自怎么分工？
    政府怎么分工？
    群众怎么分工？
    商家怎么分工？
“3+2”和“3+4”两种学制，后面的2和4各指什么？
    “3+2”学制，后面的2指什么？
    “3+4”学制，后面的4指什么？
同样办夜校，东区招了多少人？西区花了多少钱？
    办夜校，东区招了多少人？
    办夜校，西区花了多少钱？
都在办“老年食堂”，东区拿它服务多少老人？西区除了它还办了什么？
    东区拿“老年食堂”服务多少老人？
    西区除了“老年食堂”还办了什么？
县政府建了几所学校，又给它们拨了多少经费？
    县政府建了几所学校？
    给县政府的学校拨了多少经费？
甲校和乙校收到的捐款各有多少？又各花了多少？
    甲校收到的捐款有多少？
    乙校收到的捐款有多少？
    甲校花了多少？
    乙校花了多少？
市立医院和中心医院各有多少张病床？
    市立医院有多少张病床？
    中心医院有多少张病床？
人民医院的医生和护士各有多少人？
    人民医院的医生有多少人？
    人民医院的护士有多少人？
2022年和2023年全区教育预算分别是多少？
    2022年全区教育预算是多少？
    2023年全区教育预算是多少？
唐朝与宋朝分别建都于何处？
    唐朝建都于何处？
    宋朝建都于何处？
甲医院、乙医院和丙医院分别有几个门诊楼？
    甲医院有几个门诊楼？
    乙医院有几个门诊楼？
    丙医院有几个门诊楼？
秦朝和汉朝的都城分别在哪里？
    秦朝的都城在哪里？
    汉朝的都城在哪里？
法国大革命和美国独立战争各爆发于哪一年？
    法国大革命爆发于哪一年？
    美国独立战争爆发于哪一年？
济南大学有几个校区？各在哪里？
    济南大学有几个校区？
    济南大学的校区在哪里？
李白和杜甫分别出生于哪一年，各有哪些代表作？
    李白出生于哪一年？
    杜甫出生于哪一年？
    李白有哪些代表作？
    杜甫有哪些代表作？
财政局今年的教育支出和医疗支出各是多少万元？
    财政局今年的教育支出是多少万元？
    财政局今年的医疗支出是多少万元？
张家口和秦皇岛各有几所三甲医院？
    张家口有几所三甲医院？
    秦皇岛有几所三甲医院？
高一年级和高二年级分别有多少个班？
    高一年级有多少个班？
    高二年级有多少个班？
三峡大坝和小浪底水库的库容各是多少？
    三峡大坝的库容是多少？
    小浪底水库的库容是多少？
京剧和昆曲分别起源于哪里？
    京剧起源于哪里？
    昆曲起源于哪里？
孔子和孟子分别提出了什么主张？他们各活了多少岁？
    孔子提出了什么主张？
    孟子提出了什么主张？
    孔子他们活了多少岁？
    孟子他们活了多少岁？
A公司和B公司的销售额各是多少？
    A公司的销售额是多少？
    B公司的销售额是多少？
iPhone 15和iPhone 16的价格分别是多少？
    iPhone 15的价格是多少？
    iPhone 16的价格是多少？
张三和李四各自负责什么？
    张三负责什么？
    李四负责什么？
2022年、2023年和2024年的门诊量分别是多少？
    2022年的门诊量是多少？
    2023年的门诊量是多少？
    2024年的门诊量是多少？
小学部、初中部、高中部、国际部和幼儿园各有多少学生？
    小学部有多少学生？
    初中部有多少学生？
    高中部有多少学生？
    国际部有多少学生？
一班和二班的学生分别有多少人？
    一班的学生有多少人？
    二班的学生有多少人？
省财政和市财政对教育各投入了多少？
    省财政对教育投入了多少？
    市财政对教育投入了多少？
北京市朝阳区和海淀区各有多少所小学？
    北京市朝阳区有多少所小学？
    海淀区有多少所小学？
北京的故宫和沈阳的故宫各建于哪一年？
    北京的故宫建于哪一年？
    沈阳的故宫建于哪一年？
《红楼梦》和《水浒传》的作者分别是谁？
    《红楼梦》的作者是谁？
    《水浒传》的作者是谁？
医院有哪些科室，各科室有多少医生？
    医院有哪些科室？
    医院各科室有多少医生？
东院和西院各有多少台救护车？
    东院有多少台救护车？
    西院有多少台救护车？
妇产科的床位数和儿科的床位数分别是多少？
    妇产科的床位数是多少？
    儿科的床位数是多少？
2019年的财政收入和支出各是多少？
    2019年的财政收入是多少？
    2019年的支出是多少？
交通局、水利局和农业局的预算分别为多少？
    交通局的预算为多少？
    水利局的预算为多少？
    农业局的预算为多少？
春季运动会和秋季运动会各设了哪些项目？
    春季运动会设了哪些项目？
    秋季运动会设了哪些项目？
甲午战争中，中国和日本各损失了多少艘军舰？
    甲午战争中，中国损失了多少艘军舰？
    甲午战争中，日本损失了多少艘军舰？
刘邦和项羽各是哪里人？
    刘邦是哪里人？
    项羽是哪里人？
疫苗在哪里打？小孩和老人分别打几针？
    疫苗在哪里打？
    疫苗，小孩打几针？
    疫苗，老人打几针？
城东小学和城西小学的校长各是谁？
    城东小学的校长是谁？
    城西小学的校长是谁？
"""
"""The same asked of several things."""

COMPARED = """
济阳一中和章丘一中哪个更早成立？
    济阳一中什么时候成立？
    章丘一中什么时候成立？
章丘区的小学比济阳区的小学多多少所？
    章丘区的小学有多少所？
    济阳区的小学有多少所？
市立医院的床位比中心医院多多少张？
    市立医院的床位有多少张？
    中心医院的床位有多少张？
长江和黄河哪条河更长？
    长江多长？
    黄河多长？
北京大学和清华大学谁成立得更早？
    北京大学什么时候成立？
    清华大学什么时候成立？
比较一下北京大学和清华大学的图书馆面积
    北京大学的图书馆面积
    清华大学的图书馆面积
市图书馆与区图书馆有什么区别？
    市图书馆是什么？
    区图书馆是什么？
公立医院和民营医院的收费标准有什么不同？
    公立医院的收费标准是什么？
    民营医院的收费标准是什么？
老校区的食堂和新校区的食堂，哪个更大？
    老校区的食堂多大？
    新校区的食堂多大？
是长江长还是黄河长？
    长江多长？
    黄河多长？
与天桥区相比，济阳区多了哪些措施？
    济阳区有哪些措施？
    天桥区有哪些措施？
甲医院和乙医院哪家医院床位更多？
    甲医院床位多少？
    乙医院床位多少？
儿科和急诊科，哪个排队时间更短？
    儿科排队时间多长？
    急诊科排队时间多长？
“新农合”和“城乡居民医保”的报销比例各是多少？
    “新农合”的报销比例是多少？
    “城乡居民医保”的报销比例是多少？
商鞅变法和王安石变法有什么异同？
    商鞅变法是什么？
    王安石变法是什么？
高铁和飞机哪个更快？
    高铁多快？
    飞机多快？
甲班的平均分比乙班高多少分？
    甲班的平均分多高？
    乙班的平均分多高？
故宫和颐和园的门票哪个更贵？
    故宫的门票多少钱？
    颐和园的门票多少钱？
上海和广州的机场哪个更大？
    上海的机场多大？
    广州的机场多大？
隋朝和元朝哪个统治时间更长？
    隋朝统治时间多长？
    元朝统治时间多长？
“双一流”和“211工程”有什么区别？
    “双一流”是什么？
    “211工程”是什么？
大运河和长城哪个修建得更早？
    大运河什么时候修建？
    长城什么时候修建？
新校区占地多大，比老校区大多少？
    新校区占地多大？
    新校区比老校区大多少？
"""
"""Both sides of a comparison."""

TRADITIONAL = """
市醫院和區醫院各有多少張病床？
    市醫院有多少張病床？
    區醫院有多少張病床？
台北和高雄哪個城市的人口更多？
    台北的人口多少？
    高雄的人口多少？
清朝和明朝分別由誰建立？
    清朝由誰建立？
    明朝由誰建立？
新學校花了多少錢？它什麼時候啟用？
    新學校花了多少錢？
    新學校什麼時候啟用？
教育局今年預算是多少，比去年增加了多少？
    教育局今年預算是多少？
    教育局今年預算比去年增加了多少？
誰創辦了這所大學？他哪一年去世？
    誰創辦了這所大學？
    創辦了這所大學的人哪一年去世？
甲校、乙校和丙校各招收幾名學生？
    甲校招收幾名學生？
    乙校招收幾名學生？
    丙校招收幾名學生？
醫院的醫生和護士各有幾位？
    醫院的醫生有幾位？
    醫院的護士有幾位？
圖書館在哪裡，幾點開放？
    圖書館在哪裡？
    圖書館幾點開放？
第一小學和第二小學哪個成立得更早？
    第一小學什麼時候成立？
    第二小學什麼時候成立？
淡水河與濁水溪有什麼不同？
    淡水河是什麼？
    濁水溪是什麼？
2020年和2021年的教育預算各是多少？
    2020年的教育預算是多少？
    2021年的教育預算是多少？
縣政府設了幾個服務站？各鄉鎮又設了幾個？
    縣政府設了幾個服務站？
    各鄉鎮又設了幾個？
康熙和乾隆誰在位更久？
    康熙在位多久？
    乾隆在位多久？
林則徐在哪裡銷毀鴉片？銷毀了多少？
    林則徐在哪裡銷毀鴉片？
    林則徐銷毀了多少？
榮民總醫院的院長是誰，醫院有多少員工？
    榮民總醫院的院長是誰？
    榮民總醫院有多少員工？
「三民主義」和「五權憲法」各指什麼？
    「三民主義」指什麼？
    「五權憲法」指什麼？
台北市立圖書館有幾個分館？總館在哪裡？
    台北市立圖書館有幾個分館？
    台北市立圖書館總館在哪裡？
台南市的小學比台北市的小學多了多少所？
    台南市的小學有多少所？
    台北市的小學有多少所？
曹操和劉備哪個年紀更大？
    曹操年紀多大？
    劉備年紀多大？
作為政治制度，獨裁政體和民主政體的區別在哪?
    作為政治制度，獨裁政體是什麼?
    作為政治制度，民主政體是什麼?
校長和副校長分別是誰？
    校長是誰？
    副校長是誰？
急診室在幾樓？掛號處在幾樓？
    急診室在幾樓？
    掛號處在幾樓？
預算草案什麼時候送審？由哪個委員會審查？
    預算草案什麼時候送審？
    預算草案由哪個委員會審查？
台灣大學跟清華大學各成立於哪一年？
    台灣大學成立於哪一年？
    清華大學成立於哪一年？
岳飛和文天祥分別抗擊哪個政權？
    岳飛抗擊哪個政權？
    文天祥抗擊哪個政權？
這家醫院有幾個院區？它們各在哪裡？
    這家醫院有幾個院區？
    這家醫院的院區在哪裡？
衛生局與環保局今年分別編列了多少預算？
    衛生局今年編列了多少預算？
    環保局今年編列了多少預算？
鄭成功哪一年收復臺灣？他的父親是誰？
    鄭成功哪一年收復臺灣？
    鄭成功的父親是誰？
學費和住宿費各是多少？
    學費是多少？
    住宿費是多少？
圖書館的閱覽室和自習室，哪個座位更多？
    圖書館的閱覽室座位多少？
    圖書館的自習室座位多少？
清代的軍機處和內閣各負責什麼？
    清代的軍機處負責什麼？
    清代的內閣負責什麼？
國小部有幾班？國中部有幾班？
    國小部有幾班？
    國中部有幾班？
午餐費由誰補助，補助多少？
    午餐費由誰補助？
    午餐費補助多少？
臺中醫院比臺南醫院多了哪些科別？
    臺中醫院有哪些科別？
    臺南醫院有哪些科別？
縣長是誰？什麼時候就任的？
    縣長是誰？
    縣長什麼時候就任的？
"""
"""Traditional questions of all kinds."""

ENGLISH = """
How many beds does the city hospital have, and who is its director?
    How many beds does the city hospital have?
    Who is the city hospital's director?
Which is larger, the east campus or the west campus?
    How large is the east campus?
    How large is the west campus?
Compare the budget of the health bureau and the education bureau
    the budget of the health bureau?
    the budget of the education bureau?
What is the difference between the old library and the new library?
    What is the old library?
    What is the new library?
When was the school founded? How many students does it have?
    When was the school founded?
    How many students does the school have?
What did Lincoln and Douglas each say about slavery?
    What did Lincoln say about slavery?
    What did Douglas say about slavery?
Who built the bridge and when did he finish it?
    Who built the bridge?
    When did the person who built the bridge finish it?
Which hospital has more beds, St Mary or St John?
    How many beds does St Mary have?
    How many beds does St John have?
What were the budgets of Norway and Sweden in 2020, respectively?
    What were the budgets of Norway in 2020?
    What were the budgets of Sweden in 2020?
How many nurses did the clinic hire, and how many left in 2021?
    How many nurses did the clinic hire?
    How many left in 2021?
Which opened first, the museum or the theatre?
    When the museum opened?
    When the theatre opened?
Who is the principal, and who is the vice principal?
    Who is the principal?
    Who is the vice principal?
What are the populations of Tokyo and Osaka respectively?
    What are the populations of Tokyo?
    What are the populations of Osaka?
Which is older, Oxford or Cambridge?
    How old is Oxford?
    How old is Cambridge?
When did World War I start and when did World War II start?
    When did World War I start?
    When did World War II start?
Where is the clinic; what are its opening hours?
    Where is the clinic?
    What are the clinic's opening hours?
Where was Confucius born and when did he die?
    Where was Confucius born?
    When did Confucius die?
How much did the school spend on books in 2021, and how much on computers?
    How much did the school spend on books in 2021?
    How much did the school spend on computers?
Which hospital is bigger, the north one or the south one?
    How large is the north hospital?
    How large is the south hospital?
What do doctors and nurses each earn per month?
    What do doctors earn per month?
    What do nurses earn per month?
When did the Ming dynasty begin? When did it end?
    When did the Ming dynasty begin?
    When did the Ming dynasty end?
Which has the larger population, Taipei or Kaohsiung?
    What is the population of Taipei?
    What is the population of Kaohsiung?
How does the 2022 budget differ from the 2023 budget?
    What is the 2022 budget?
    What is the 2023 budget?
Who wrote the report, and who approved it?
    Who wrote the report?
    Who approved the report?
"""
"""English questions of all kinds."""

SIMPLE = """
《医院在哪里？学校在哪里？》是哪一年出版的？
「學校在哪裡，醫院在哪裡」這首歌是誰唱的？
《李白和杜甫》分别收录在哪些文集里？
不管病人住在哪里，天桥区收多少挂号费？
甲校和乙校各派代表，总共有多少人？
学校在什么情况下，会停哪些课？
医院缺什么，政府就补什么？
学校采取了什么办法，使多少学生受益？
，谁？谁？
英国、法国等国分别派了多少兵？
今年的产值比去年多多少亿元？
新能源、新材料企业有多少家？
党员和干部的培训在哪里举行？
“需求、资源、服务”三张清单由谁列出？
和平区有多少所学校？
与时俱进是什么意思？
在他担任校长的时候，学校做了什么？
今年一直下雨。为什么？
《你是谁？》这本书的作者是谁？
“为什么是我？谁来负责？”这句话是谁说的？
济南市和平路的医院叫什么名字？
北京和上海之间的高铁有多少公里？
中国和美国哪一年建交？
医生和护士一共有多少人？
教师和学生的比例是多少？
如果忘了带身份证，怎么办？
学校为什么要建新楼，而不是修旧楼？
那从业人员呢？
还有哪些？
它列了哪三张清单？
老师和家长都关心什么问题？
谁与刘备、关羽结为兄弟？
各地的医院分别有多少？
各区各街道有多少个社区？
医院跟哪家公司合作？
请问，医院在哪里？
你好，请问图书馆几点开门？
分别时他说了什么？
无论什么人，都可以去哪里办理？
他在哪一年去世，享年多少岁？
英国和法国的百年战争持续了多少年？
天桥区和济阳区共有多少家企业？
济阳区、天桥区等区县分别有多少家？
比赛在哪里举行？
2023年的产值比2022年增长了多少？
谁有困难，就去哪里登记？
哪里有企业，哪里就有什么？
请比较说明什么是党建？
水和食物，哪个是人类最需要的？
学校的特点和作用有哪些？
你知道李白是谁吗？
我想知道医院在哪里？
县里的第一所学校是谁建的？为什么？
甲方和乙方的权利义务有哪些？
孙中山和宋庆龄在哪里结婚？
罗密欧与朱丽叶的作者是谁？
为什么说水和空气同样重要？
小王去年在北京上学，今年在哪里上班？
What is the relationship between A and B?
Where did Tom and Jerry meet?
How and when did he die?
Who wrote "Romeo and Juliet"?
In what year did France and England sign the treaty?
When he was young, where did he live?
Is it true or false?
What happened in 1990 and 1991?
What do you call people who read and write?
和平中學和復興中學在哪一年合併？
醫院與學校的距離有多遠？
校车几点到东校区和西校区？
与去年相比，今年的预算多了多少？
明年的預算比今年多多少？
王羲之和王献之是什么关系？
这两所学校各有多少学生？
一共有几个部门？
氧-18比氧-16重多少?
Is the Nile longer than the Amazon?
How much heavier is oxygen 18 than oxygen 16?
"""
"""Questions that ask one thing, whatever joins its words."""

OURS = set("是什么有什么特点多大多少多高多长什么时候多快多远多重多宽多深多少钱多久的人，")
"""Characters that a Chinese part may hold beside those of its question."""


def cases(*tables: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the questions at the left margin, each with the indented parts behind it."""
    found: list[tuple[str, list[str]]] = []
    for line in filter(str.strip, "".join(tables).splitlines()):
        if line.startswith(" "):
            found[-1][1].append(line.strip())
        else:
            found.append((line, []))
    return [(question, tuple(expected)) for question, expected in found]


SEVERAL = cases(JOINED, EACH, COMPARED, TRADITIONAL, ENGLISH)


@pytest.mark.parametrize(("question", "expected"), SEVERAL, ids=[case[0] for case in SEVERAL])
def test_the_parts_of_a_question(
    question: str, expected: tuple[str, ...], tokenizer: Tokenizer
) -> None:
    assert parts(question, tokenizer) == expected


@pytest.mark.parametrize("question", SIMPLE.strip().splitlines())
def test_a_question_that_asks_one_thing_stays_as_it_is(question: str, tokenizer: Tokenizer) -> None:
    assert parts(question, tokenizer) == (question,)


@pytest.mark.parametrize(("question", "expected"), SEVERAL, ids=[case[0] for case in SEVERAL])
def test_a_part_asks_one_thing(
    question: str, expected: tuple[str, ...], tokenizer: Tokenizer
) -> None:
    for part in expected:
        assert parts(part, tokenizer) == (part,)


def test_the_white_space_around_a_simple_question_stays(tokenizer: Tokenizer) -> None:
    assert parts(" 和平区有多少所学校？\n", tokenizer) == (" 和平区有多少所学校？\n",)


def test_what_is_asked_beyond_the_fourth_part_is_left_out(tokenizer: Tokenizer) -> None:
    found = parts("甲校、乙校、丙校、丁校和戊校各有几个班？", tokenizer)
    assert found == ("甲校有几个班？", "乙校有几个班？", "丙校有几个班？", "丁校有几个班？")


def test_an_overlong_question_is_not_looked_at(tokenizer: Tokenizer) -> None:
    question = "甲校和乙校各有几个班？" * 30
    assert len(question) > LONGEST
    assert parts(question, tokenizer) == (question,)


def test_the_mark_stays_as_it_was_written(tokenizer: Tokenizer) -> None:
    assert parts("甲校和乙校各有几个班", tokenizer) == ("甲校有几个班", "乙校有几个班")
    assert parts("甲校和乙校各有几个班?", tokenizer) == ("甲校有几个班?", "乙校有几个班?")


def test_a_background_sentence_is_shared(tokenizer: Tokenizer) -> None:
    found = parts("我住在天桥区。社保卡在哪里办？要带什么材料？", tokenizer)
    assert found == ("我住在天桥区。社保卡在哪里办？", "我住在天桥区。社保卡要带什么材料？")


PIECES = st.sampled_from(
    [
        *"和与跟、，？；。各比又它他其该更多大早几谁哪的了在是有？“”《》(",
        *("分别", "各自", "还是", "什么", "多少", "哪个", "什么时候", "有什么区别", "为什么", "呢"),
        *(
            "济阳区",
            "人民医院",
            "2023年",
            "今年",
            "“红领论坛”",
            "学校",
            "學校",
            "預算",
            "唐朝",
            "A",
            "7",
        ),
        *(
            "引进",
            "花了",
            "成立",
            "比较一下",
            "这两家",
            "都",
            "第一次",
            "多了",
            " ",
            "the",
            "and",
            "how many",
        ),
    ]
)


@given(st.lists(PIECES, max_size=16).map("".join))
@settings(max_examples=400)
def test_parts_hold_nothing_but_their_question(tokenizer: Tokenizer, question: str) -> None:
    found = parts(question, tokenizer)
    assert 1 <= len(found) <= MOST_PARTS
    if len(found) == 1:
        assert found == (question,)
        return
    assert len(set(found)) == len(found)
    assert all(part.strip() for part in found)
    if re.search("[\u4e00-\u9fff]", question):
        held = set(to_simplified(question)) | set(question) | OURS
        assert set(to_simplified("".join(found))) <= held


@given(st.text(max_size=60))
def test_any_text_has_parts(tokenizer: Tokenizer, question: str) -> None:
    assert 1 <= len(parts(question, tokenizer)) <= MOST_PARTS


@given(st.text(alphabet="天桥区学校有多少什么谁哪里几", min_size=1, max_size=30))
def test_a_question_without_a_joiner_stays_as_it_is(tokenizer: Tokenizer, question: str) -> None:
    assert parts(question, tokenizer) == (question,)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data").exists(), reason="no ../shared/data beside the project")
@pytest.mark.parametrize(
    ("name", "most"), [("cmrc_dev", 8), ("drcd_dev", 8), ("xquad.zh", 2), ("xquad.en", 2)]
)
def test_public_questions_are_hardly_ever_taken_apart(
    name: str, most: int, tokenizer: Tokenizer
) -> None:
    data = json.loads((SHARED / "data" / f"{name}.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    questions = [qa["question"] for paragraph in paragraphs for qa in paragraph["qas"]]
    split = [question for question in questions if len(parts(question, tokenizer)) > 1]
    assert len(questions) > 1000
    assert len(split) <= most, split


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "questions").exists(), reason="no ../shared/questions")
def test_the_comparisons_of_the_shared_questions_are_taken_apart(tokenizer: Tokenizer) -> None:
    lines = (SHARED / "questions" / "seeds_dev.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [
        entry["question"] for entry in map(json.loads, lines) if entry["kind"] == "compare"
    ]
    assert [len(parts(question, tokenizer)) for question in questions] == [2, 2, 4, 2, 2, 2, 2]
