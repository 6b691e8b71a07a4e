typedef int placeholder_component;
