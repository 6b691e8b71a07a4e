typedef int placeholder_processors;
