// Saturates the brokers with librdkafka: acks=all, linger 5 ms, one record after the other, 16 KiB of them to a
// partition before the next one's turn. So every partition has something all the time, and what it is sent at once
// is what comes in while the client lingers, not a batch as large as may be to one partition at a time.
//
// usage: librdkafka-load BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES BATCH_BYTES WARMUP_S SECONDS
// Prints MARK start and MARK end around the measured time, then one line of JSON, as `load` does.

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUN_BYTES = 16384 };

static volatile long acked, failed;
static unsigned long sent;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err)
        failed++;
    else
        acked++;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "%s=%s: %s\n", name, value, why);
        exit(1);
    }
}

// Sends until the clock says so; a full queue waits for acknowledgements.
static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, int partitions, char *value, size_t size,
                    double until) {
    unsigned long run = size < RUN_BYTES ? RUN_BYTES / size : 1;
    for (; (sent & 63) != 0 || now() < until; sent++) {
        memcpy(value, &sent, sizeof sent);
        int partition = (int)(sent / run % (unsigned long)partitions);
        while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                fprintf(stderr, "%s\n", rd_kafka_err2str(rd_kafka_last_error()));
                exit(1);
            }
            rd_kafka_poll(client, 5);
        }
        if ((sent & 255) == 0)
            rd_kafka_poll(client, 0);
    }
}

int main(int count, char **words) {
    if (count != 8) {
        fprintf(stderr, "usage: %s BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES BATCH_BYTES WARMUP_S SECONDS\n", words[0]);
        return 2;
    }
    int partitions = atoi(words[3]);
    size_t size = strtoul(words[4], NULL, 10);
    double warmup = atof(words[6]), seconds = atof(words[7]);
    if (partitions < 1 || size < sizeof sent)
        return 2;

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", words[1]);
    set(conf, "acks", "all");
    set(conf, "linger.ms", "5");
    set(conf, "batch.size", words[5]);
    set(conf, "batch.num.messages", "1000000");
    set(conf, "queue.buffering.max.kbytes", "65536");
    set(conf, "queue.buffering.max.messages", "2000000");
    set(conf, "socket.nagle.disable", "true");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    char why[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!client) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, words[2], NULL);
    // Bytes that do not compress.
    char *value = malloc(size);
    for (size_t i = 0; i < size; i++)
        value[i] = (char)rand();

    produce(client, topic, partitions, value, size, now() + warmup);
    long before = acked;
    double began = now();
    puts("MARK start");
    fflush(stdout);
    produce(client, topic, partitions, value, size, began + seconds);
    long records = acked - before;
    double took = now() - began;
    puts("MARK end");
    fflush(stdout);

    rd_kafka_flush(client, 60000);
    if (failed) {
        fprintf(stderr, "%ld records failed\n", failed);
        return 1;
    }
    printf("{\"secs\": %f, \"records\": %ld, \"bytes\": %ld}\n", took, records, records * (long)size);
    return 0;
}
