-- How a process hears of its waiters. The caller hears of its own in the reply; the others on their channel.
local channel, hears = text(), {}

-- A process that cannot subscribe has a mailbox: a list with an empty entry in front, which is there while the process
-- comes for its messages. What the caller's mailboxes hold goes into the reply.
local MAIL_MS = 5000
local function mailbox(instance)
  return channel .. "%" .. instance
end

local polls, callers = text() == "1", number()
for i = 1, callers do
  local instance = text()
  hears[instance] = "caller"
  if polls then
    local box = mailbox(instance)
    local messages = call("LRANGE", box, "0", "-1")
    if #messages == 0 then
      call("RPUSH", box, "")
      mail[#mail + 1] = "missed " .. instance
    elseif #messages > 1 then
      call("LTRIM", box, "0", "0")
      for entry = 2, #messages do
        mail[#mail + 1] = messages[entry]
      end
    end
    call("PEXPIRE", box, MAIL_MS)
  end
end
