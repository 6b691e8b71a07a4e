typedef int placeholder_receivers;
