-- A key stands for one file: with two, the URL of one served the bytes of the other.
DROP INDEX model_files_object_key;
CREATE UNIQUE INDEX model_files_object_key ON model_files (object_key);
