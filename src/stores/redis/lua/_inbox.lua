-- How a process hears of its waiters. The caller hears of its own in the reply; the others on their channel.
local channel, hears = text(), {}

-- A process that cannot subscribe has an inbox: a list with an empty entry in front, which is there while the process
-- comes for its messages. What the caller's inboxes hold goes into the reply.
local INBOX_MS = 5000
local function inbox(instance)
  return channel .. "%" .. instance
end

local callers = number()
local polls = callers < 0
callers = math.abs(callers)
for i = 1, callers do
  local instance = text()
  hears[instance] = "caller"
  if polls then
    local box = inbox(instance)
    local entries = call("LRANGE", box, "0", "-1")
    if #entries == 0 then
      call("RPUSH", box, "")
      messages[#messages + 1] = "missed " .. instance
    elseif #entries > 1 then
      call("LTRIM", box, "0", "0")
      for entry = 2, #entries do
        messages[#messages + 1] = entries[entry]
      end
    end
    call("PEXPIRE", box, INBOX_MS)
  end
end
