typedef int placeholder_proto;
