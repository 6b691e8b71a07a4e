typedef int placeholder_exporters;
