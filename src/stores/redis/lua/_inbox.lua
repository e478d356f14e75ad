-- How a process hears of its waiters. The caller hears of its own in the reply; the others on their channel.
local polls, callers, channel = string.match(text(), "^(%-?)([^:]*):(.*)$")
local hears = {}

-- A process that cannot subscribe has an inbox: a list with an empty entry in front, which is there while the process
-- comes for its messages. What the caller's inboxes hold goes into the reply.
local INBOX_MS = 5000
local function inbox(instance)
  return channel .. "%" .. instance
end

for instance in string.gmatch(callers, "[^,]+") do
  hears[instance] = "caller"
  if polls ~= "" then
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
