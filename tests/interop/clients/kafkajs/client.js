// KafkaJS. See ../../README.md for what a client program does.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const member = require('./member')

const TIMEOUT_MS = 30_000
// A send makes one batch per partition, so large sends are the caller's to divide.
const SEND_BYTES_MAX = 500_000

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from((await zstd()).compress(encoder.buffer)),
  decompress: async buffer => Buffer.from((await zstd()).decompress(buffer)),
})
try {
  // Native code, compiled at installation where that works.
  const LZ4 = require('kafkajs-lz4')
  CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec
} catch (error) {
  console.error(`no lz4: ${error.message.split('\n')[0]}`)
}

async function zstd() {
  const { Zstd } = await import('@hpcc-js/wasm-zstd')
  return Zstd.load()
}

const connect = bootstrap =>
  new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.ERROR, logCreator })
const logCreator = () => entry => console.error(JSON.stringify(entry.log))

const steps = {
  codecs() {
    const has = type => typeof CompressionCodecs[type] === 'function' && !isStub(type)
    const types = { snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD }
    return ['none', 'gzip', ...Object.keys(types).filter(name => has(types[name]))]
  },

  async create(bootstrap, { topics, partitions }) {
    const admin = connect(bootstrap).admin()
    await admin.connect()
    const one = topic => ({ topic, numPartitions: partitions, replicationFactor: 1 })
    const outcomes = await each(topics, topic =>
      admin.createTopics({ topics: [one(topic)], waitForLeaders: true }))
    await admin.disconnect()
    return outcomes
  },

  async produce(bootstrap, { topics, partition, records }) {
    const messages = fs.readFileSync(records, 'utf8').trim().split('\n').map(line => message(line, partition))
    const types = {
      none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
      lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD,
    }
    const producer = connect(bootstrap).producer({ maxInFlightRequests: 1 })
    await producer.connect()
    const outcomes = await each(Object.keys(topics), async topic => {
      for (const part of divide(messages))
        await producer.send({ topic, messages: part, compression: types[topics[topic]] })
    })
    await producer.disconnect()
    return outcomes
  },

  async consume(bootstrap, { topics, partition, out }) {
    const cluster = await connectWithoutGroup(bootstrap)
    const outcomes = await each(Object.keys(topics), async topic => {
      const lines = await readAll(cluster, topic, partition, topics[topic])
      fs.writeFileSync(path.join(out, topic), lines.map(line => JSON.stringify(line) + '\n').join(''))
    })
    await cluster.disconnect()
    return outcomes
  },

  async offsets(bootstrap, { topics, partition, timestamps }) {
    const admin = connect(bootstrap).admin()
    await admin.connect()
    const answer = {}
    for (const topic of topics) {
      const all = await admin.fetchTopicOffsets(topic)
      const { low, high } = all.find(one => one.partition === partition)
      const found = []
      for (const timestamp of timestamps) {
        const all = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
        const offset = Number(all.find(one => one.partition === partition).offset)
        // KafkaJS answers with the end where nothing is found.
        found.push(offset === Number(high) ? -1 : offset)
      }
      answer[topic] = { earliest: Number(low), latest: Number(high), timestamps: found }
    }
    await admin.disconnect()
    return answer
  },
}

// KafkaJS has no consumer without a group, so this goes one level down, to its own cluster and
// broker objects: the same fetch requests, decoding and decompression.
async function connectWithoutGroup(bootstrap) {
  const internals = Object.getOwnPropertySymbols(Kafka.prototype).concat(Object.getOwnPropertySymbols(connect(bootstrap)))
  const name = internals.find(symbol => symbol.description.includes('createCluster'))
  const cluster = connect(bootstrap)[name]({ metadataMaxAge: 300_000 })
  await cluster.connect()
  return cluster
}

async function readAll(cluster, topic, partition, count) {
  await cluster.addTargetTopic(topic)
  const { leader } = cluster.findTopicPartitionMetadata(topic).find(one => one.partitionId === partition)
  const broker = await cluster.findBroker({ nodeId: leader })
  const lines = []
  const deadline = Date.now() + TIMEOUT_MS
  while (lines.length < count && Date.now() < deadline) {
    const fetchOffset = String(lines.length)
    const partitions = [{ partition, fetchOffset, maxBytes: 1_048_576 }]
    const { responses } = await broker.fetch({
      maxWaitTime: 100, minBytes: 1, maxBytes: 10_485_760, topics: [{ topic, partitions }],
    })
    const { messages } = responses[0].partitions[0]
    lines.push(...messages.filter(one => Number(one.offset) >= lines.length).map(line))
  }
  return lines
}

function message(line, partition) {
  const { key, value, headers, timestamp } = JSON.parse(line)
  const byName = {}
  for (const [name, text] of headers) byName[name] = [...(byName[name] ?? []), unpack(text)]
  return { key: unpack(key), value: unpack(value), headers: byName, timestamp: String(timestamp), partition }
}

function line({ offset, timestamp, key, value, headers }) {
  const flat = Object.entries(headers).flatMap(([name, values]) => [values].flat().map(one => [name, pack(one)]))
  return { offset: Number(offset), timestamp: Number(timestamp), key: pack(key), value: pack(value), headers: flat }
}

function* divide(messages) {
  let part = []
  let bytes = 0
  for (const one of messages) {
    const size = one.value?.length ?? 0
    if (part.length > 0 && bytes + size > SEND_BYTES_MAX) {
      yield part
      part = []
      bytes = 0
    }
    part.push(one)
    bytes += size
  }
  yield part
}

// The place of a codec that is not installed holds a function that throws.
function isStub(type) {
  try {
    CompressionCodecs[type]()
    return false
  } catch {
    return true
  }
}

async function each(topics, action) {
  const outcomes = {}
  for (const topic of topics) {
    try {
      await action(topic)
      outcomes[topic] = null
    } catch (error) {
      outcomes[topic] = String(error)
    }
  }
  return outcomes
}

function pack(field) {
  if (field === null) return null
  if (field.length > 1024) return 'sha256:' + crypto.createHash('sha256').update(field).digest('hex')
  return field.toString('base64')
}

const unpack = text => (text === null ? null : Buffer.from(text, 'base64'))

async function main() {
  const [, , step, bootstrap] = process.argv
  if (step === 'member') return member.run(connect(bootstrap))
  const request = JSON.parse(fs.readFileSync(0, 'utf8'))
  const answer = step === 'group' ? await member.group(connect(bootstrap), request) : await steps[step](bootstrap, request)
  console.log(JSON.stringify(answer))
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
