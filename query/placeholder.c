typedef int placeholder_query;
