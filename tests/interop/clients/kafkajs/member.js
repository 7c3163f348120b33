// A member of a group, until its standard input ends, and what the admin client says of a group.
'use strict'

const readline = require('readline')
const { AssignerProtocol } = require('kafkajs')

const say = event => console.log(JSON.stringify(event))

async function run(kafka) {
  const lines = readline.createInterface({ input: process.stdin })
  const request = JSON.parse(await new Promise(resolve => lines.once('line', resolve)))
  const isOver = new Promise(resolve => lines.once('close', resolve))
  const { group, topic, session_ms: session } = request
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: session,
    heartbeatInterval: Math.floor(session / 6),
    rebalanceTimeout: 20_000,
    maxWaitTimeInMs: 100,
  })
  const own = (partitions, member) => say({ owns: partitions.sort((a, b) => a - b), member })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => own(payload.memberAssignment[topic] ?? [], payload.memberId))
  consumer.on(consumer.events.REBALANCING, ({ payload }) => own([], payload.memberId))
  consumer.on(consumer.events.CRASH, ({ payload }) => say({ error: String(payload.error) }))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatch: ({ batch }) => turn(consumer, batch) })
  await isOver
  await consumer.disconnect()
  say({ left: true })
}

async function turn(consumer, { topic, partition, messages }) {
  if (messages.length === 0) return
  say({ read: messages.map(one => [partition, Number(one.offset), one.value.toString()]) })
  const next = Number(messages.at(-1).offset) + 1
  try {
    await consumer.commitOffsets([{ topic, partition, offset: String(next) }])
  } catch (error) {
    // Nothing unusual while members come and go: what was read is read again.
    say({ uncommitted: String(error) })
    throw error
  }
  say({ committed: { [partition]: next } })
}

async function group(kafka, { group, topic, delete: shallDelete }) {
  const admin = kafka.admin()
  await admin.connect()
  const { groups: [described] } = await admin.describeGroups([group])
  const [stored] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const answer = {
    state: described.state,
    members: described.members.map(one => partitions(one.memberAssignment, topic)),
    offsets: Object.fromEntries(stored.partitions.map(one => [one.partition, Number(one.offset)])),
  }
  if (shallDelete) answer.deleted = await admin.deleteGroups([group]).then(() => null, String)
  const { groups } = await admin.listGroups()
  answer.listed = groups.some(one => one.groupId === group)
  await admin.disconnect()
  return answer
}

function partitions(assignment, topic) {
  if (assignment.length === 0) return []
  return (AssignerProtocol.MemberAssignment.decode(assignment).assignment[topic] ?? []).sort((a, b) => a - b)
}

module.exports = { run, group }
