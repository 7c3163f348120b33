package main

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
)

// lookAtGroup says what the admin client says of a group.
func lookAtGroup(bootstrap string, request Request) any {
	client := connect(bootstrap)
	defer client.Close()
	admin, name := kadm.NewClient(client), request.Group
	answer := map[string]any{}
	members := [][]int32{}
	if request.Protocol == "consumer" {
		all, err := admin.DescribeConsumerGroups(deadline(), name)
		check(err)
		check(all[name].Err)
		answer["state"] = all[name].State
		for _, member := range all[name].Members {
			members = append(members, partitions(member.Assignment, request.Topic))
		}
	} else {
		all, err := admin.DescribeGroups(deadline(), name)
		check(err)
		check(all[name].Err)
		answer["state"] = all[name].State
		for _, member := range all[name].Members {
			assigned, _ := member.Assigned.AsConsumer()
			topics := kadm.TopicsSet{}
			for _, topic := range assigned.Topics {
				topics.Add(topic.Topic, topic.Partitions...)
			}
			members = append(members, partitions(topics, request.Topic))
		}
	}
	answer["members"] = members
	stored, err := admin.FetchOffsets(deadline(), name)
	check(err)
	offsets := map[int32]int64{}
	stored.Each(func(one kadm.OffsetResponse) { offsets[one.Partition] = one.At })
	answer["offsets"] = offsets
	if request.Delete {
		outcomes := Outcomes{}
		deleted, err := admin.DeleteGroup(deadline(), name)
		if err == nil {
			err = deleted.Err
		}
		outcomes.set(name, err)
		answer["deleted"] = outcomes[name]
	}
	listed, err := admin.ListGroups(deadline())
	check(err)
	answer["listed"] = slices.Contains(listed.Groups(), name)
	return answer
}

func partitions(topics kadm.TopicsSet, topic string) []int32 {
	numbers := []int32{}
	for partition := range topics[topic] {
		numbers = append(numbers, partition)
	}
	slices.Sort(numbers)
	return numbers
}
