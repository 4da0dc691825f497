-- What Lua's language and core libraries do, each line a check by itself; the last line of output counts them.
local checks = 0
local function check(what, ...)
  checks = checks + 1
  if not what then error("check " .. checks .. " failed", 2) end
end
local function equal(got, want)
  checks = checks + 1
  if got ~= want or math.type(got) ~= math.type(want) then
    error(("check %d: %s, not %s"):format(checks, tostring(got), tostring(want)), 2)
  end
end
local function fails(words, f, ...)
  local ok, message = pcall(f, ...)
  checks = checks + 1
  if ok or not tostring(message):find(words, 1, true) then
    error(("check %d: %s"):format(checks, tostring(message)), 2)
  end
end

-- Numbers: integers wrap, floats are IEEE's, and both compare exactly.
equal(7 // 2, 3); equal(-7 // 2, -4); equal(7 % -3, -2); equal(-7 % 3, 2); equal(7 / 2, 3.5); equal(7.0 // 2, 3.0)
equal(math.maxinteger + 1, math.mininteger); equal(math.mininteger // -1, math.mininteger)
equal(1 << 63, math.mininteger); equal(1 << 64, 0); equal(-1 >> 60, 15); equal(~5 & 0xff, 250); equal(3 ~ 5, 6)
equal(2^10, 1024.0); equal(10 // 0.0, math.huge); check(0/0 ~= 0/0); equal(5.5 % -2, -0.5)
check(math.maxinteger < math.maxinteger + 0.0); check(2^53 == 2^53 + 0.0); check(1 == 1.0)
check(not (2^63 <= math.maxinteger))
equal(tonumber("0x1p4"), 16.0); equal(tonumber(" 10 "), 10); equal(tonumber("zz", 36), 1295)
equal(tonumber("1e1"), 10.0)
equal(tonumber("0x"), nil); equal(math.tointeger(3.0), 3); equal(math.tointeger(3.5), nil)
equal(math.ult(1, -1), true)
equal("10" + 5, 15); equal("3" * "4", 12); equal(10 .. "", "10"); equal(1e15 .. "", "1e+15")
equal(-0.0 .. "", "-0.0")
equal(string.format("%.14g", 3.14159265358979), "3.1415926535898"); equal(string.format("%a", 1.0), "0x1p+0")
equal(math.floor(-3.5), -4); equal(math.ceil(-3.5), -3); equal(math.fmod(-7, 3), -1)
equal(math.abs(math.mininteger), math.mininteger)
check(math.abs(math.sin(1)^2 + math.cos(1)^2 - 1) < 1e-15); equal(math.sqrt(2)^2 > 2, true)
equal(math.log(8, 2), 3.0)
fails("number has no integer representation", function() return 1.5 | 1 end)
fails("divide by zero", function() return 1 // 0 end)
math.randomseed(42); local a = math.random(1, 1000); math.randomseed(42); equal(math.random(1, 1000), a)

-- Strings and patterns.
equal(("x"):rep(3, ","), "x,x,x"); equal(("hello"):sub(-3, -2), "ll"); equal(#"a\0b", 3)
equal("\u{20AC}", "\xE2\x82\xAC")
equal(select(2, ("hello world"):gsub("o", "0")), 2); equal(select(2, ("abc"):gsub("", "-")), 4)
equal(("key = value"):match("^(%w+)%s*=%s*(%w+)$"), "key"); equal(("f(a(b)c)d"):match("%b()"), "(a(b)c)")
equal(("THE (quick) fox"):find("%((%a+)%)"), 5); equal(("hello"):byte(-1), 111)
equal(("x^2"):gsub("%^", "**"), "x**2")
equal(("a,b,,c"):gsub(",", {[","] = ";"}), "a;b;;c"); equal(("abc"):reverse(), "cba"); equal(("%d"):format(3.0), "3")
equal(("THE END"):gsub("%f[%a]%a+", string.lower), "the end"); equal(string.format("%q", "a\n\0\""), '"a\\\n\\0\\""')
equal(string.format("%5.1f|%-5d|%05d|%+d|%x|%s", 3.14159, 42, 42, 42, 255, nil), "  3.1|42   |00042|+42|ff|nil")
equal(string.pack("<i4>i2z", 1, 2, "ab"), "\1\0\0\0\0\2ab\0"); equal(string.unpack("<d", string.pack("<d", 0.1)), 0.1)
equal(utf8.char(228, 8364, 0x10FFFF), "ä€\u{10FFFF}"); equal(utf8.len("äöü"), 3); equal(utf8.codepoint("€"), 8364)
equal(utf8.len("\xff"), nil); equal(utf8.offset("aäb", 3), 4)
local words = {}; for w in ("one two  three"):gmatch("%a+") do words[#words + 1] = w end
equal(table.concat(words, "/"), "one/two/three")
fails("malformed pattern", string.find, "a", "[a"); fails("invalid conversion", string.format, "%y", 1)

-- Tables.
local t = {10, 20, 30, nil, x = 1, [2.0] = 21}; equal(t[2], 20); equal(#{1, 2, 3}, 3); t[1.0] = 11; equal(t[1], 11)
equal(table.concat({1, 2, 3}, ", ", 2), "2, 3"); equal(select("#", table.unpack({1, nil, 3}, 1, 3)), 3)
local list = {}; for i = 1, 1000 do list[i] = (i * 7919) % 1009 end; table.sort(list)
local sorted = true
for i = 2, #list do sorted = sorted and list[i - 1] <= list[i] end
check(sorted)
table.sort(list, function(x, y) return x > y end); check(list[1] >= list[1000])
equal(table.remove(list, 1) ~= nil, true); equal(#list, 999); table.insert(list, 1, -1); equal(list[1], -1)
equal(table.concat(table.move({1, 2, 3}, 1, 3, 2), ","), "1,1,2,3"); equal(table.pack(1, nil, nil).n, 3)
fails("invalid order function", table.sort, {3, 1, 2, 5, 4, 9, 8, 7}, function() return true end)
fails("index is nil", function() t[nil] = 1 end); fails("index is NaN", function() t[0/0] = 1 end)
local sum = 0; for k, v in pairs({1, 2, 3, a = 4}) do sum = sum + v end; equal(sum, 10)
for k in pairs(t) do t[k] = nil end; equal(next(t), nil)

-- Scopes, closures, varargs, goto, and calls at the end without a stack.
local function counter() local n = 0; return function() n = n + 1; return n end end
local c1, c2 = counter(), counter(); c1(); equal(c1(), 2); equal(c2(), 1)
local fs = {}; for i = 1, 3 do fs[i] = function() i = i + 10; return i end end; equal(fs[1](), 11)
equal(fs[1](), 21); equal(fs[2](), 12)
local function va(...) local x, y = ...; return select("#", ...), y, ... end; equal(select("#", va(nil, nil)), 4)
local function loop(n) if n == 0 then return "end" end; return loop(n - 1) end; equal(loop(1000000), "end")
do local n = 0; ::again:: n = n + 1; if n < 5 then goto again end; equal(n, 5) end
for i = 3, 1, -1 do equal(i <= 3, true) end; for i = 1, 0 do check(false) end
for x = 1.0, 2 do equal(math.type(x), "float") end
for i = math.maxinteger - 1, math.maxinteger do check(i > 0) end
fails("'for' step is zero", function() for i = 1, 2, 0 do end end)
local K <const> = 5; equal(K, 5); equal(load("local x <const> = 1; x = 2"), nil)
local order = {}; do
  local c <close> = setmetatable({}, {__close = function(_, e) order[#order + 1] = "c" end})
  local d <close> = setmetatable({}, {__close = function() order[#order + 1] = "d" end})
end
equal(table.concat(order), "dc")

-- Metatables.
local V = {}; V.__index = V
V.__add = function(x, y) return setmetatable({n = x.n + y.n}, V) end; V.__eq = function(x, y) return x.n == y.n end
V.__lt = function(x, y) return x.n < y.n end; V.__le = function(x, y) return x.n <= y.n end
V.__len = function(x) return x.n end
V.__call = function(self, k) return self.n * k end; V.__tostring = function(x) return "V" .. x.n end
V.__concat = function(x, y) return tostring(x) .. tostring(y) end; V.__unm = function(x) return -x.n end
V.__idiv = function() return "//" end
local function v(n) return setmetatable({n = n}, V) end
equal((v(1) + v(2)).n, 3); check(v(1) == v(1)); check(v(1) ~= v(2)); check(v(1) < v(2)); check(v(2) >= v(2))
equal(#v(9), 9)
equal(v(3)(4), 12); equal(tostring(v(5)), "V5"); equal(v(1) .. "x", "V1x"); equal(-v(4), -4); equal(v(1) // 2, "//")
local log = {}
local function note(_, k, x) log[k] = x end
local proxy = setmetatable({}, {__index = function(_, k) return k .. "!" end, __newindex = note})
equal(proxy.a, "a!"); proxy.b = 2; equal(log.b, 2); equal(rawget(proxy, "b"), nil)
local Base = {}; Base.__index = Base; function Base:name() return "base" end
local Derived = setmetatable({}, {__index = Base}); Derived.__index = Derived
equal(setmetatable({}, Derived):name(), "base")
equal(getmetatable(setmetatable({}, {__metatable = "locked"})), "locked")
fails("protected metatable", setmetatable, setmetatable({}, {__metatable = 1}), {})
local keys = {}
local function only() return function(_, k) if not k then return "only" end end end
for k in pairs(setmetatable({}, {__pairs = only})) do keys[#keys + 1] = k end
equal(keys[1], "only")

-- Errors.
equal(select(2, pcall(error, {code = 7})).code, 7)
equal(select(2, xpcall(error, function(m) return m .. "!" end, "bad")), "bad!")
fails("attempt to index a nil value (local 'x')", function() local x; return x.y end)
fails("attempt to call a number value", function() return (5)() end)
fails("attempt to compare number with nil", function() return 1 < nil end)
fails("attempt to concatenate a table value", function() return {} .. "" end)
fails("stack overflow", function() local function f() return 1 + f() end; return f() end)
check(select(2, xpcall(function() error("deep") end, debug.traceback)):find("stack traceback"))
equal(select("#", pcall(function() return 1, 2, 3 end)), 4)
equal(select(2, load("x = = 1")):find("unexpected symbol") ~= nil, true)
equal(load("return ... * 2")(21), 42); local env = {}; load("y = 5", "chunk", "t", env)(); equal(env.y, 5)
equal(y, nil)
equal(load(string.dump(function(n) return n + 1 end))(41), 42)

-- Coroutines.
local co = coroutine.wrap(function(...) local got = {...}; while true do got = {coroutine.yield(#got)} end end)
equal(co(1, 2, 3), 3); equal(co(), 0); equal(co(nil, 2), 2)
local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local s = 0; for i in gen(1000) do s = s + i end; equal(s, 500500)
local bad = coroutine.create(function() error("inside") end); local ok, message = coroutine.resume(bad)
check(not ok and message:find("inside"))
equal(coroutine.status(bad), "dead")
local gone = coroutine.wrap(function() end)
gone()
fails("cannot resume dead coroutine", gone)
equal(coroutine.isyieldable(), false)
local across = coroutine.wrap(function() return pcall(function() coroutine.yield("in pcall"); error("after") end) end)
equal(across(), "in pcall"); equal(across(), false)
local many = {}; for i = 1, 2000 do many[i] = coroutine.create(function(x) return coroutine.yield(x) end)
coroutine.resume(many[i], i) end
equal(select(2, coroutine.resume(many[2000], "last")), "last"); equal(coroutine.close(many[1]), true)

-- Collecting: what is weak or has an end.
local weak = setmetatable({}, {__mode = "k"}); weak[{}] = 1; local kept = {}; weak[kept] = 2; collectgarbage()
collectgarbage()
local n = 0; for _ in pairs(weak) do n = n + 1 end; equal(n, 1)
local ended = 0; for i = 1, 100 do setmetatable({}, {__gc = function() ended = ended + 1 end}) end
collectgarbage(); collectgarbage(); equal(ended, 100)
local before = collectgarbage("count"); do local big = {}; for i = 1, 100000 do big[i] = {i} end; big = nil end
collectgarbage(); check(collectgarbage("count") < before + 1000); collectgarbage("generational")
for i = 1, 100000 do local x = {i} end; collectgarbage("incremental")

-- Files, clocks and the environment.
local name = os.tmpname(); local file = assert(io.open(name, "w"))
file:write("1 2.5 0x10\n", "line two\n", "rest"); file:close()
file = io.open(name); equal(file:read("n"), 1); equal(file:read("n"), 2.5); equal(file:read("n"), 16)
equal(file:read("L"), "\n")
equal(file:read("l"), "line two"); equal(file:read("a"), "rest"); equal(file:read("a"), "")
equal(file:read("l"), nil)
equal(file:seek("set", 2), 2); equal(file:read(3), "2.5"); equal(file:seek("end"), 24); file:close(); local lines = 0
for line in io.lines(name) do lines = lines + 1 end; equal(lines, 3); equal(os.remove(name), true)
equal(select(3, os.remove(name)), 2)
equal(os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), "1971-01-01 00:00:00"); check(os.clock() >= 0)
local function noon(y, m, d) return os.time({year = y, month = m, day = d, hour = 12}) end
equal(noon(2000, 1, 1) - noon(1999, 12, 31), 86400)
equal(require("core_module").answer, 42); equal(package.loaded.core_module.answer, 42); equal(arg[1], "an argument")
print(checks .. " checks")
